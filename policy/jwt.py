"""Sign and verify M1's tokens: JWTs under the rules of RFC 8725. The ledger is another check, in tokens.py.

PyJWT looks at signatures. What is in a token is read by M1's one strict parser: no name twice, no NaN.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from jwt.api_jws import PyJWS
from jwt.utils import base64url_decode

from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error
from policy.errors import PolicyError
from policy.keys import VerifyingKey

ISSUER = "m1"
AUDIENCE = {"execution": "m1:executor", "preauthorization": "m1:claim"}
TYP = {"execution": "m1-execution+jwt", "preauthorization": "m1-preauthorization+jwt"}
LONGEST = {"execution": timedelta(hours=1), "preauthorization": timedelta(days=366)}
MAX_CHARACTERS = 65_536
MAX_REMEMBERED = 1_000
NOT_OF_THIS_KIND = "its header is not that of this kind of token"
NOT_THE_CLAIMS = "its claims are not those of this kind of token"
CLAIMS = frozenset({"iss", "aud", "sub", "jti", "iat", "nbf", "exp", "scope"})


class TokenRefusedError(PolicyError):
    """The token is refused: {reason}."""

    code = "token_refused"
    http_status = 403


class TokenLapsedError(TokenRefusedError):
    """The token is refused: {reason}.

    It was good once, and has ended in one of the ways in which tokens end: no attack.
    """


class CannotSignError(PolicyError):
    """This process holds no signing key; approvals and pre-authorisations are given through the web process."""

    code = "cannot_sign"
    http_status = 503


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    person_id: UUID
    jti: UUID
    issued_at: datetime
    expires_at: datetime
    scope: dict[str, Any]


def sign(kind: str, claims: Claims) -> tuple[str, str]:
    """Return the kid and the token. Raises CannotSignError in a process without a signing key."""
    key = settings.M1_KEYS.signing
    if key is None:
        raise CannotSignError()
    issued = int(claims.issued_at.timestamp())
    payload = {
        "iss": ISSUER, "aud": AUDIENCE[kind], "sub": str(claims.person_id), "jti": str(claims.jti),
        "iat": issued, "nbf": issued, "exp": int(claims.expires_at.timestamp()), "scope": claims.scope,
    }  # fmt: skip
    headers = {"typ": TYP[kind], "kid": key.kid}
    return key.kid, jwt.encode(payload, key.material, algorithm=key.algorithm, headers=headers)


def verify(kind: str, token: str, *, now: datetime) -> Claims:
    """Return the claims of a token of this kind that is genuine and valid at `now`; raises TokenRefusedError.

    now   the database's time: PyJWT's own checks would take this host's
    """
    key = _key_of(kind, token)
    claims, not_before = _genuine(kind, token, key)
    if key.retired_at is not None and key.retired_at <= now:
        raise TokenLapsedError(reason=f"its key was retired at {key.retired_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    leeway = timedelta(seconds=settings.M1_JWT_LEEWAY_SECONDS)
    if max(claims.issued_at, not_before) > now + leeway:
        raise TokenRefusedError(reason="it is not valid yet")
    if claims.expires_at <= now - leeway:
        raise TokenLapsedError(reason="it has expired")
    return claims


def read(kind: str, token: str) -> Claims:
    """Return the claims of a token of this kind that is genuine, whatever the time; raises TokenRefusedError."""
    return _genuine(kind, token, _key_of(kind, token))[0]


def _key_of(kind: str, token: str) -> VerifyingKey:
    """Return the key that the token names, by exact look-up; the header may say nothing but typ, alg and kid."""
    typ, algorithm, kid = _header(token)
    if typ != TYP[kind]:
        raise TokenRefusedError(reason=NOT_OF_THIS_KIND)
    key: VerifyingKey | None = settings.M1_KEYS.verifying.get(kid)
    if key is None:
        raise TokenRefusedError(reason="no key of M1 has its kid")
    if algorithm != key.algorithm:
        raise TokenRefusedError(reason="its algorithm is not that of its key")
    return key


@lru_cache(MAX_REMEMBERED)
def _header(token: str) -> tuple[object, object, str]:
    """Return typ, alg and kid, not trusted yet. Remembered by the whole token; what is refused is not."""
    if len(token) > MAX_CHARACTERS:
        raise TokenRefusedError(reason="it is too long")
    try:
        header = canonical.parse(base64url_decode(token.partition(".")[0]))
    except (M1Error, ValueError) as exc:
        raise TokenRefusedError(reason="it is not a token") from exc
    if not isinstance(header, dict) or set(header) != {"typ", "alg", "kid"} or not isinstance(header["kid"], str):
        raise TokenRefusedError(reason=NOT_OF_THIS_KIND)
    return header["typ"], header["alg"], header["kid"]


@lru_cache(MAX_REMEMBERED)
def _genuine(kind: str, token: str, key: VerifyingKey) -> tuple[Claims, datetime]:
    """Return what the key signed, and from when it is valid. Remembered by the whole token and the whole key.

    A signature does not age. What does, times and revocation, is looked at each time; a refusal is not remembered.
    """
    try:
        payload = canonical.parse(PyJWS().decode(token, key.material, algorithms=[key.algorithm]))
    except (jwt.PyJWTError, M1Error, ValueError, TypeError, RecursionError) as exc:
        raise TokenRefusedError(reason="its signature or form is not valid") from exc
    return _claims(kind, payload)


def _claims(kind: str, payload: JSON) -> tuple[Claims, datetime]:
    """Return the claims of a payload that has each of them, and nothing else, in its one type."""
    if not isinstance(payload, dict) or set(payload) != CLAIMS:
        raise TokenRefusedError(reason=NOT_THE_CLAIMS)
    issued, not_before, expires = (_moment(payload[name]) for name in ("iat", "nbf", "exp"))
    if payload["iss"] != ISSUER or payload["aud"] != AUDIENCE[kind] or not isinstance(payload["scope"], dict):
        raise TokenRefusedError(reason="it is for someone else")
    if expires - issued > LONGEST[kind]:
        raise TokenRefusedError(reason="it lives longer than any token of M1")
    return Claims(_uuid(payload["sub"]), _uuid(payload["jti"]), issued, expires, payload["scope"]), not_before


def _moment(value: object) -> datetime:
    """Return the time that a claim says in whole seconds; a truth value, a text or a fraction is no time."""
    if type(value) is not int or not 0 < value < 2**40:
        raise TokenRefusedError(reason=NOT_THE_CLAIMS)
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=value)


def _uuid(value: object) -> UUID:
    try:
        parsed = UUID(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != value:
        raise TokenRefusedError(reason=NOT_THE_CLAIMS)
    return parsed
