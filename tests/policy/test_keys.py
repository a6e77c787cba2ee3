"""Keys: how they are listed, in which state each is, and which list stops the start."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from policy import key_list, keys
from policy.keys import KeyRing, KeyState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = "2026-03-01T12:00:00Z"
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
RSA_PEM = generate_private_key(public_exponent=65537, key_size=2048).public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)  # fmt: skip
KID = keys.kid_of(PRIVATE.public_key().public_bytes_raw())
SECRET = "s" * 32
OTHER = "t" * 32


def listed(**entries: object) -> KeyRing:
    return key_list.parse(json.dumps(entries))


@pytest.mark.parametrize(
    "text",
    [
        "[]", "1", "{", '{"a": 1}', '{"a": null}', '{"a": []}', '{"a": "short"}', '{"a": "' + "s" * 31 + '"}',
        '{"": "' + SECRET + '"}', '{"' + "k" * 65 + '": "' + SECRET + '"}', json.dumps({"a": PEM}),
        '{"a": "-----BEGIN PUBLIC KEY-----"}', json.dumps({"a": RSA_PEM.decode()}),
        '{"a": "' + SECRET + '", "a": "' + OTHER + '"}', json.dumps({"a": SECRET, "b": SECRET}),
        json.dumps({"a": PUBLIC_PEM, "b": {"key": PUBLIC_PEM, "retired_at": AT}}),
        json.dumps({"a": {}}), json.dumps({"a": {"key": SECRET}}), json.dumps({"a": {"retired_at": AT}}),
        json.dumps({"a": {"key": SECRET, "retired_at": AT, "x": 1}}), json.dumps({"a": {"key": 7, "retired_at": AT}}),
        *(
            json.dumps({"a": {"key": SECRET, "retired_at": when}})
            for when in (None, "", 1, True, "soon", "2026-03-01", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", [AT])
        ),
    ],
    ids=range(30),
)  # fmt: skip
def test_a_list_that_is_none_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        key_list.parse(text)


@pytest.mark.parametrize("pem", ["nonsense", PUBLIC_PEM, "-----BEGIN PRIVATE KEY-----\nAAAA\n"], ids=range(3))
def test_a_private_key_that_is_none_is_refused_at_the_start(pem: str) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        KeyRing().with_private_key(pem)


def test_a_key_is_active_verify_only_or_retired_by_the_clock_that_is_given() -> None:
    ring = listed(old={"key": OTHER, "retired_at": AT}, earlier=SECRET).with_private_key(PEM)
    for at, state in ((NOW - timedelta(seconds=1), KeyState.VERIFY_ONLY), (NOW, KeyState.RETIRED)):
        assert ring.state("old", at) == state
        assert (ring.state(KID, at), ring.state("earlier", at)) == (KeyState.ACTIVE, KeyState.VERIFY_ONLY)
    assert ring.state("nobody", NOW) is None


def test_an_offset_is_read_as_what_it_is() -> None:
    ring = listed(old={"key": SECRET, "retired_at": "2026-03-01T14:00:00+02:00"})
    assert ring.verifying["old"].retired_at == NOW


def test_a_key_that_signs_may_be_listed_but_not_as_retired_under_any_name() -> None:
    kid = keys.kid_of(SECRET.encode())
    assert listed(**{KID: PUBLIC_PEM}).with_private_key(PEM).state(KID, NOW) == KeyState.ACTIVE
    assert listed(**{kid: SECRET}).with_secret(SECRET.encode()).state(kid, NOW) == KeyState.ACTIVE
    for name in (KID, "one"):
        with pytest.raises(ValueError, match="retires"):
            listed(**{name: {"key": PUBLIC_PEM, "retired_at": "2099-01-01T00:00:00Z"}}).with_private_key(PEM)
    with pytest.raises(ValueError, match="retires"):
        listed(old={"key": SECRET, "retired_at": AT}).with_secret(SECRET.encode())


def test_what_is_written_is_read_again() -> None:
    ring = listed(old={"key": SECRET, "retired_at": AT}, pair=PUBLIC_PEM, secret=OTHER)
    again = key_list.parse(key_list.write(ring.verifying))
    assert {kid: (key.fingerprint, key.algorithm, key.retired_at) for kid, key in again.verifying.items()} == {
        kid: (key.fingerprint, key.algorithm, key.retired_at) for kid, key in ring.verifying.items()
    }


def test_no_key_shows_its_material() -> None:
    ring = listed(old={"key": OTHER, "retired_at": AT}).with_secret(SECRET.encode()).with_private_key(PEM)
    assert SECRET not in repr(ring)
    assert OTHER not in repr(ring)
    assert "Ed25519" not in repr(ring)
