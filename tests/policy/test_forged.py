"""Forged tokens of every family are refused by what a token says alone, and nobody is asked for a key."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django import Settings
from uuid_utils.compat import uuid7

from policy import jwt
from policy.jwt import Claims, TokenLapsedError, TokenRefusedError
from policy.keys import KeyRing
from tests import forging
from tests.forging import FORGERIES, Forgery, Mint

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPE = {"requestId": "r", "round": 1, "tool": "files.write"}
CLAIMS = Claims(uuid7(), uuid7(), NOW, NOW + timedelta(minutes=5), SCOPE)
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    """Where keys that a header names would be fetched; nobody came, in all the tests of this file."""
    with forging.listening() as (url, calls):
        yield url
        assert calls() == 0


@pytest.fixture
def mint(settings: Settings, listener: str) -> Mint:
    settings.M1_KEYS = KeyRing().with_private_key(PEM)
    settings.M1_JWT_LEEWAY_SECONDS = 0
    kid, ahead = jwt.sign("preauthorization", CLAIMS)
    body = forging.body_of(
        person=CLAIMS.person_id, jti=CLAIMS.jti, issued=NOW, expires=CLAIMS.expires_at, scope=SCOPE
    )  # fmt: skip
    return Mint(PRIVATE, kid, body, listener, ahead)


def test_what_the_mint_makes_unchanged_is_genuine(mint: Mint) -> None:
    assert jwt.verify("execution", mint.make(), now=NOW) == CLAIMS


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=[f"{n} {name}" for n, name in enumerate(FORGERIES, 1)])
def test_a_forged_token_is_refused(mint: Mint, forge: Forgery) -> None:
    token = forge(mint)
    for kind in jwt.TYP:
        if not (kind == "preauthorization" and token == mint.ahead):
            with pytest.raises(TokenRefusedError) as refused:
                jwt.verify(kind, token, now=NOW)
            assert not isinstance(refused.value, TokenLapsedError)
            assert len(str(refused.value)) < 120  # nothing of the token is in it


def test_a_token_of_one_kind_is_not_one_of_the_other(mint: Mint) -> None:
    assert jwt.verify("preauthorization", mint.ahead, now=NOW) == CLAIMS
    with pytest.raises(TokenRefusedError):
        jwt.verify("preauthorization", mint.make(), now=NOW)
    with pytest.raises(TokenRefusedError):  # the audience is still another
        jwt.verify("preauthorization", mint.headed(typ=jwt.TYP["preauthorization"]), now=NOW)


def test_there_are_forgeries_of_every_family() -> None:
    assert {family: len(table) >= 8 for family, table in forging.FAMILIES.items()} == dict.fromkeys(
        forging.FAMILIES, True
    )
    assert len(FORGERIES) >= 150
