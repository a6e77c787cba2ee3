"""Forged tokens of every family, and keys that come and go."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pytest_django import Settings
from uuid_utils.compat import uuid7

from m1site.env import Settings as Environment
from policy import jwt, keys
from policy.jwt import CannotSignError, Claims, TokenRefusedError
from policy.keys import KeyRing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SCOPE = {"requestId": "r", "round": 1, "tool": "files.write"}
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KID = keys.kid_of(PRIVATE.public_key().public_bytes_raw())
SECRET = b"s" * 32
CLAIMS = Claims(uuid7(), uuid7(), NOW, NOW + timedelta(minutes=5), SCOPE)
WHEN = int(NOW.timestamp())
BODY: dict[str, Any] = {
    "iss": "m1", "aud": "m1:executor", "sub": str(CLAIMS.person_id), "jti": str(CLAIMS.jti),
    "iat": WHEN, "nbf": WHEN, "exp": WHEN + 300, "scope": SCOPE,
}  # fmt: skip
HEAD: dict[str, Any] = {"alg": "EdDSA", "typ": "m1-execution+jwt", "kid": KID}


@pytest.fixture(autouse=True)
def ring(settings: Settings) -> KeyRing:
    settings.M1_KEYS = KeyRing().with_private_key(PEM)
    settings.M1_JWT_LEEWAY_SECONDS = 0
    return settings.M1_KEYS


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def eddsa(data: bytes) -> bytes:
    return PRIVATE.sign(data)


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def unsigned(data: bytes) -> bytes:
    return b""


def make(head: Any = HEAD, body: Any = BODY, sign: Callable[[bytes], bytes] = eddsa) -> str:
    """Return a token of exactly these parts; the real key signs unless told otherwise."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, body)]
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(sign(signed.encode()))}"


def refused(token: str, kind: str = "execution", now: datetime = NOW) -> None:
    with pytest.raises(TokenRefusedError):
        jwt.verify(kind, token, now=now)


def test_what_was_signed_is_what_is_read() -> None:
    kid, token = jwt.sign("execution", CLAIMS)
    assert kid == KID
    assert jwt.verify("execution", token, now=NOW) == CLAIMS
    assert jwt.verify("execution", make(), now=NOW) == CLAIMS


rsa = generate_private_key(public_exponent=65537, key_size=2048)
FORGED = {
    "alg none": make({**HEAD, "alg": "none"}, sign=unsigned),
    "alg None": make({**HEAD, "alg": "None"}, sign=unsigned),
    "alg nOnE with a signature": make({**HEAD, "alg": "nOnE"}),
    "no signature": make(sign=unsigned),
    "alg is null": make({**HEAD, "alg": None}),
    "alg is a list": make({**HEAD, "alg": ["EdDSA"]}),
    "no alg": make({"typ": HEAD["typ"], "kid": KID}),
    "HS256 with the public key in PEM as secret": make({**HEAD, "alg": "HS256"}, sign=hs256(PUBLIC_PEM)),
    "HS256 with the raw public key": make(
        {**HEAD, "alg": "HS256"}, sign=hs256(PRIVATE.public_key().public_bytes_raw())
    ),
    "HS256 with an empty secret": make({**HEAD, "alg": "HS256"}, sign=hs256(b"")),
    "HS256 with the kid as secret": make({**HEAD, "alg": "HS256"}, sign=hs256(KID.encode())),
    "HS256 signature under the name EdDSA": make(sign=hs256(PUBLIC_PEM)),
    "RS256": pyjwt.encode(BODY, rsa, algorithm="RS256", headers={"typ": HEAD["typ"], "kid": KID}),
    "another Ed25519 key": make(sign=Ed25519PrivateKey.generate().sign),
    "signature of another body": make().rpartition(".")[0] + "." + make(body={**BODY, "exp": 1}).rpartition(".")[2],
    "signature cut": make()[:-4],
    "signature all zero": make(sign=lambda data: bytes(64)),
    "four parts": make() + ".x",
    "JWE, five parts": "a.b.c.d.e",
    "two parts": make().rpartition(".")[0],
    "empty": "",
    "dots": "..",
    "not base64": "!!!.???.###",
    "no ASCII": "é.é.é",
    "NUL": make() + "\0",
    "spaces around": f" {make()} ",
    "a JSON serialisation": json.dumps({"payload": make()}),
    "200 kB": make(body={**BODY, "scope": {"x": "y" * 200_000}}),
    "deeply nested header": make(b'{"alg":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "deeply nested body": make(body=b"[" * 20_000 + b"]" * 20_000),
    "header is a list": make([HEAD]),
    "header is null": make(None),
    "body is a list": make(body=[BODY]),
    "body is a text": make(body="m1"),
    "body is no JSON": make(body=b"\xff\xfe"),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(token: str) -> None:
    refused(token)


@pytest.mark.parametrize(
    "kid",
    [
        "", "nobody", KID.upper(), f" {KID}", f"{KID}\0", KID[:8], "k" * 100_000, "../../../../dev/null", "/etc/passwd",
        "' UNION SELECT 'AA' --", "http://127.0.0.1:1/jwks", "${jndi:ldap://127.0.0.1/x}", None, 0, 7, True, [], [KID],
        {}, {"kid": KID},
    ],
    ids=lambda kid: type(kid).__name__,  # not the value: every process of a test run has keys of its own
)  # fmt: skip
def test_a_kid_is_looked_up_exactly_and_is_nothing_else(kid: object) -> None:
    for sign in (eddsa, hs256(b""), hs256(b"\0"), hs256(PUBLIC_PEM)):
        refused(make({**HEAD, "kid": kid}, sign=sign))
        refused(make({**HEAD, "alg": "HS256", "kid": kid}, sign=sign))


def test_a_token_without_kid_is_refused_even_with_one_key() -> None:
    refused(make({"alg": "EdDSA", "typ": HEAD["typ"]}))


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(PRIVATE.public_key().public_bytes_raw())}},
        {"jku": "http://127.0.0.1:9/jwks.json"}, {"x5u": "http://127.0.0.1:9/cert.pem"}, {"x5c": ["MIIB"]},
        {"x5t": "abc"}, {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"}, {"cty": "JWT"}, {"enc": "A256GCM"}, {"p2c": 2**31}, {"": ""}, {"Kid": KID}, {"x": "y"},
    ],
    ids=lambda extra: next(iter(extra)) or "empty",
)  # fmt: skip
def test_a_header_that_says_more_than_it_should_is_refused_although_the_real_key_signed(extra: dict[str, Any]) -> None:
    refused(make({**HEAD, **extra}))


@pytest.mark.parametrize(
    "typ",
    ["JWT", "jwt", "M1-EXECUTION+JWT", "m1-preauthorization+jwt", "application/m1-execution+jwt", "", None, 1, []],
)
def test_another_typ_is_refused(typ: object) -> None:
    refused(make({**HEAD, "typ": typ}))


def test_a_token_of_one_kind_is_not_one_of_the_other() -> None:
    _, execution = jwt.sign("execution", CLAIMS)
    _, ahead = jwt.sign("preauthorization", CLAIMS)
    refused(execution, "preauthorization")
    refused(ahead, "execution")
    refused(make({**HEAD, "typ": "m1-preauthorization+jwt"}), "preauthorization")  # the audience is still another


EDITS: dict[str, list[Any]] = {
    "iss": ["", "m", "m11", "M1", "m1 ", "https://m1", None, 1, ["m1"], {"m1": 1}],
    "aud": ["", "m1", "m1:executor ", "M1:executor", "m1:claim", None, 1, ["m1:executor"], ["m1:executor", "x"], {}],
    "sub": ["", "ava", str(CLAIMS.person_id).upper(), CLAIMS.person_id.hex, f"{{{CLAIMS.person_id}}}", None, 1, []],
    "jti": ["", "1", str(CLAIMS.jti).upper(), CLAIMS.jti.hex, f"urn:uuid:{CLAIMS.jti}", None, 1, [], {}],
    "iat": [WHEN + 1, 0, -1, 1, str(WHEN), float(WHEN), 2**63, 10**400, True, None, [], {}],
    "nbf": [WHEN + 1, 0, -1, str(WHEN), float(WHEN), 2**63, 10**400, True, None, []],
    "exp": [
        WHEN, WHEN - 1, 0, -1, str(WHEN + 300), float(WHEN + 300), WHEN + 300.5, WHEN + 3601, 2**40, 2**63, 10**400,
        True, None, [], {}, "never",
    ],
    "scope": [None, "", "files.write", [], [SCOPE], 1, True],
}  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "value"),
    [(claim, value) for claim, values in EDITS.items() for value in values],
    ids=lambda value: value if isinstance(value, str) and value in EDITS else type(value).__name__,
)
def test_an_edited_claim_is_refused_although_the_real_key_signed(claim: str, value: object) -> None:
    refused(make(body={**BODY, claim: value}))


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1e999999999", b"0x7fffffff"])
def test_a_time_that_is_no_number_is_refused(literal: bytes) -> None:
    for claim in ("iat", "nbf", "exp"):
        body = json.dumps({**BODY, claim: "HERE"}).encode().replace(b'"HERE"', literal)
        refused(make(body=body))


@pytest.mark.parametrize("claim", BODY)
def test_every_claim_is_required_and_none_may_be_added(claim: str) -> None:
    refused(make(body={name: value for name, value in BODY.items() if name != claim}))
    refused(make(body={**BODY, f"{claim}2": BODY[claim]}))


def test_a_token_is_valid_from_its_first_second_to_before_its_last() -> None:
    token = make()
    for now, is_valid in [
        (NOW - SECOND, False), (NOW, True), (NOW + 299 * SECOND, True), (NOW + 300 * SECOND, False),
        (NOW + timedelta(minutes=10), False), (NOW - timedelta(minutes=10), False), (NOW + timedelta(days=400), False),
    ]:  # fmt: skip
        if is_valid:
            assert jwt.verify("execution", token, now=now).expires_at == NOW + 300 * SECOND
        else:
            refused(token, now=now)


def test_the_leeway_is_what_the_setting_says_and_no_more(settings: Settings) -> None:
    settings.M1_JWT_LEEWAY_SECONDS = 10
    token = make()
    for now in (NOW - 10 * SECOND, NOW + 309 * SECOND):
        assert jwt.verify("execution", token, now=now)
    for now in (NOW - 11 * SECOND, NOW + 310 * SECOND):
        refused(token, now=now)


def test_no_token_lives_longer_than_its_kind_may() -> None:
    assert jwt.verify("execution", make(body={**BODY, "exp": WHEN + 3600}), now=NOW)
    refused(make(body={**BODY, "exp": WHEN + 3601}))
    refused(make(body={**BODY, "iat": WHEN - 3600}))


def with_verification_keys(**entries: str) -> KeyRing:
    return keys.parse_verification_keys(json.dumps(entries))


def test_rotation_is_add_switch_remove(settings: Settings) -> None:
    _, old = jwt.sign("execution", CLAIMS)
    both = with_verification_keys(**{KID: PUBLIC_PEM.decode()})
    new = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings.M1_KEYS = both.with_private_key(new)  # switched: the new one signs, the old one verifies
    kid, fresh = jwt.sign("execution", CLAIMS)
    assert kid != KID
    assert jwt.verify("execution", old, now=NOW) == jwt.verify("execution", fresh, now=NOW) == CLAIMS
    settings.M1_KEYS = KeyRing().with_private_key(new)  # removed
    assert jwt.verify("execution", fresh, now=NOW) == CLAIMS
    refused(old)


def test_who_only_verifies_cannot_sign(settings: Settings) -> None:
    _, token = jwt.sign("execution", CLAIMS)
    settings.M1_KEYS = with_verification_keys(**{KID: PUBLIC_PEM.decode()})
    assert jwt.verify("execution", token, now=NOW) == CLAIMS
    with pytest.raises(CannotSignError):
        jwt.sign("execution", CLAIMS)


def test_a_secret_under_one_kid_and_a_pair_under_another_do_not_mix(settings: Settings) -> None:
    settings.M1_KEYS = with_verification_keys(shared=SECRET.decode()).with_private_key(PEM)
    head = {**HEAD, "alg": "HS256", "kid": "shared"}
    assert jwt.verify("execution", make(head, sign=hs256(SECRET)), now=NOW) == CLAIMS
    refused(make({**head, "kid": KID}, sign=hs256(SECRET)))
    refused(make({**HEAD, "kid": "shared"}))
    for algorithm, digest in (("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        refused(make({**head, "alg": algorithm}, sign=lambda data, digest=digest: hmac.digest(SECRET, data, digest)))


@pytest.mark.parametrize(
    "text",
    [
        "[]", "1", "{", '{"a": 1}', '{"a": "short"}', '{"a": "' + "s" * 31 + '"}', '{"": "' + "s" * 32 + '"}',
        '{"' + "k" * 65 + '": "' + "s" * 32 + '"}', json.dumps({"a": PEM}), '{"a": "-----BEGIN PUBLIC KEY-----"}',
        json.dumps({"a": rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()}),
        '{"a": "' + "s" * 32 + '", "a": "' + "t" * 32 + '"}',
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_keys_that_are_none_are_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        keys.parse_verification_keys(text)


@pytest.mark.parametrize("pem", ["nonsense", PUBLIC_PEM.decode(), "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_private_key_that_is_none_is_refused_at_the_start(pem: str) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        KeyRing().with_private_key(pem)


def test_a_secret_shorter_than_its_hash_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_JWT_SECRET", "s" * 31)
    with pytest.raises(SystemExit, match="M1_JWT_SECRET: has 31 bytes"):
        Environment().secret("M1_JWT_SECRET", required=True)
    monkeypatch.setenv("M1_JWT_SECRET", "s" * 32)
    assert KeyRing().with_secret(Environment().secret("M1_JWT_SECRET", required=True)).signing


def test_no_key_shows_its_material() -> None:
    ring = KeyRing().with_secret(SECRET).with_private_key(PEM)
    assert SECRET.decode() not in repr(ring)
    assert "Ed25519" not in repr(ring)
