"""What is signed is what is read, at its time and under its key; test_forged.py has everything that is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django import Settings
from uuid_utils.compat import uuid7

from policy import jwt, key_list
from policy.jwt import CannotSignError, Claims, TokenLapsedError, TokenRefusedError
from policy.keys import KeyRing, VerifyingKey
from tests import forging
from tests.forging import Mint, hs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SCOPE = {"requestId": "r", "round": 1, "tool": "files.write"}
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
NEW_PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SECRET = b"s" * 32
CLAIMS = Claims(uuid7(), uuid7(), NOW, NOW + timedelta(minutes=5), SCOPE)
RING = KeyRing().with_private_key(PEM)
KID = next(iter(RING.verifying))
BODY = forging.body_of(person=CLAIMS.person_id, jti=CLAIMS.jti, issued=NOW, expires=CLAIMS.expires_at, scope=SCOPE)
MINT = Mint(PRIVATE, KID, BODY)


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> KeyRing:
    settings.M1_KEYS = RING
    settings.M1_JWT_LEEWAY_SECONDS = 0
    return RING


def refused(token: str, now: datetime = NOW) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as error:
        jwt.verify("execution", token, now=now)
    return error.value


def test_what_was_signed_is_what_is_read() -> None:
    kid, token = jwt.sign("execution", CLAIMS)
    assert kid == KID
    assert jwt.verify("execution", token, now=NOW) == jwt.verify("execution", MINT.make(), now=NOW) == CLAIMS


def test_a_token_is_valid_from_its_first_second_to_before_its_last() -> None:
    token = MINT.make()
    for now, is_valid in [
        (NOW - SECOND, False), (NOW, True), (NOW + 299 * SECOND, True), (NOW + 300 * SECOND, False),
        (NOW + timedelta(minutes=10), False), (NOW - timedelta(minutes=10), False), (NOW + timedelta(days=400), False),
    ]:  # fmt: skip
        if is_valid:
            assert jwt.verify("execution", token, now=now).expires_at == NOW + 300 * SECOND
        else:
            assert isinstance(refused(token, now), TokenLapsedError) == (now > NOW)
        assert jwt.read("execution", token) == CLAIMS


def test_the_leeway_is_what_the_setting_says_and_no_more(settings: Settings) -> None:
    settings.M1_JWT_LEEWAY_SECONDS = 10
    token = MINT.make()
    for now in (NOW - 10 * SECOND, NOW + 309 * SECOND):
        assert jwt.verify("execution", token, now=now)
    for now in (NOW - 11 * SECOND, NOW + 310 * SECOND):
        refused(token, now)


def test_no_token_lives_longer_than_its_kind_may() -> None:
    assert jwt.verify("execution", MINT.saying(exp=BODY["iat"] + 3_600), now=NOW)
    refused(MINT.saying(exp=BODY["iat"] + 3_601))
    refused(MINT.saying(iat=BODY["iat"] - 3_600))


def both(old: KeyRing, new_pem: str, *, retired_at: datetime | None = None) -> KeyRing:
    """Return the ring of a process that was told of the old key, and signs with the new one."""
    listed = {kid: VerifyingKey(kid, key.algorithm, key.material, retired_at) for kid, key in old.verifying.items()}
    return key_list.parse(key_list.write(listed)).with_private_key(new_pem)


def test_rotation_is_add_switch_retire(settings: Settings) -> None:
    _, old = jwt.sign("execution", CLAIMS)
    settings.M1_KEYS = both(RING, NEW_PEM)  # switched: the new one signs, the old one verifies
    kid, fresh = jwt.sign("execution", CLAIMS)
    assert kid != KID
    assert jwt.verify("execution", old, now=NOW) == jwt.verify("execution", fresh, now=NOW) == CLAIMS
    settings.M1_KEYS = both(RING, NEW_PEM, retired_at=NOW)
    assert jwt.verify("execution", fresh, now=NOW) == CLAIMS
    assert "its key was retired at 2026-03-01 12:00:00 UTC" in str(refused(old))
    settings.M1_KEYS = KeyRing().with_private_key(NEW_PEM)  # removed
    assert not isinstance(refused(old), TokenLapsedError)


def test_from_its_retirement_on_a_key_verifies_nothing_whenever_that_was_signed(settings: Settings) -> None:
    settings.M1_KEYS = both(RING, NEW_PEM, retired_at=NOW + 60 * SECOND)
    earlier, later = MINT.make(), MINT.saying(iat=BODY["iat"] + 120, nbf=BODY["iat"] + 120)
    assert jwt.verify("execution", earlier, now=NOW + 59 * SECOND) == CLAIMS  # and so it is remembered as genuine
    for token in (earlier, later):
        error = refused(token, NOW + 180 * SECOND)
        assert isinstance(error, TokenLapsedError)
        assert "retired" in str(error)
    assert not isinstance(refused(MINT.make(sign=forging.STRANGER.sign), NOW + 180 * SECOND), TokenLapsedError)


def test_who_only_verifies_cannot_sign(settings: Settings) -> None:
    _, token = jwt.sign("execution", CLAIMS)
    settings.M1_KEYS = key_list.parse(key_list.write(RING.verifying))
    assert jwt.verify("execution", token, now=NOW) == CLAIMS
    with pytest.raises(CannotSignError):
        jwt.sign("execution", CLAIMS)


def test_a_secret_under_one_kid_and_a_pair_under_another_do_not_mix(settings: Settings) -> None:
    settings.M1_KEYS = key_list.parse(f'{{"shared": "{SECRET.decode()}"}}').with_private_key(PEM)
    head = {**MINT.head, "alg": "HS256", "kid": "shared"}
    assert jwt.verify("execution", MINT.make(head, sign=hs(SECRET)), now=NOW) == CLAIMS
    refused(MINT.make({**head, "kid": KID}, sign=hs(SECRET)))
    refused(MINT.make({**MINT.head, "kid": "shared"}))
    for algorithm, name in (("HS384", "sha384"), ("HS512", "sha512")):
        refused(MINT.make({**head, "alg": algorithm}, sign=hs(SECRET, name)))


def test_hs256_signs_and_verifies_with_the_secret(settings: Settings) -> None:
    settings.M1_KEYS = KeyRing().with_secret(SECRET)
    _, token = jwt.sign("execution", CLAIMS)
    assert jwt.verify("execution", token, now=NOW) == CLAIMS
    head = {**MINT.head, "alg": "HS256", "kid": next(iter(settings.M1_KEYS.verifying))}
    for other in (b"t" * 32, SECRET + b"s", SECRET[:-1], b""):
        refused(MINT.make(head, sign=hs(other)))
