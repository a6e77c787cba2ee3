"""Sign and verify M1's tokens: JWTs under the rules of RFC 8725. The ledger is another check, in tokens.py."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from policy.errors import PolicyError
from policy.keys import VerifyingKey

ISSUER = "m1"
AUDIENCE = {"execution": "m1:executor", "preauthorization": "m1:claim"}
TYP = {"execution": "m1-execution+jwt", "preauthorization": "m1-preauthorization+jwt"}
LONGEST = {"execution": timedelta(hours=1), "preauthorization": timedelta(days=366)}
MAX_CHARACTERS = 65_536
MAX_REMEMBERED = 1_000
NOT_OF_THIS_KIND = "its header is not that of this kind of token"
CLAIMS = frozenset({"iss", "aud", "sub", "jti", "iat", "nbf", "exp", "scope"})


class TokenRefusedError(PolicyError):
    """The token is refused: {reason}."""

    code = "token_refused"
    http_status = 403


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
    claims, not_before = _genuine(kind, token, _key_of(kind, token))
    leeway = timedelta(seconds=settings.M1_JWT_LEEWAY_SECONDS)
    if max(claims.issued_at, not_before) > now + leeway:
        raise TokenRefusedError(reason="it is not valid yet")
    if claims.expires_at <= now - leeway:
        raise TokenRefusedError(reason="it has expired")
    return claims


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
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as exc:
        raise TokenRefusedError(reason="it is not a token") from exc
    if set(header) != {"typ", "alg", "kid"} or not isinstance(header["kid"], str):
        raise TokenRefusedError(reason=NOT_OF_THIS_KIND)
    return header["typ"], header["alg"], header["kid"]


@lru_cache(MAX_REMEMBERED)
def _genuine(kind: str, token: str, key: VerifyingKey) -> tuple[Claims, datetime]:
    """Return what the key signed, and from when it is valid. Remembered by the whole token and the whole key.

    A signature does not age. What does, times and revocation, is looked at each time; a refusal is not remembered.
    """
    try:
        payload = jwt.decode(
            token, key.material, algorithms=[key.algorithm],
            options={"require": sorted(CLAIMS), "verify_exp": False, "verify_nbf": False, "verify_iat": False,
                     "verify_aud": False, "verify_iss": False, "verify_sub": False, "verify_jti": False},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as exc:
        raise TokenRefusedError(reason="its signature or form is not valid") from exc
    return _claims(kind, payload)


def _claims(kind: str, payload: dict[str, Any]) -> tuple[Claims, datetime]:
    times = [payload["iat"], payload["nbf"], payload["exp"]]
    if set(payload) != CLAIMS or any(type(time) is not int or not 0 < time < 2**40 for time in times):
        raise TokenRefusedError(reason="its claims are not those of this kind of token")
    if payload["iss"] != ISSUER or payload["aud"] != AUDIENCE[kind] or not isinstance(payload["scope"], dict):
        raise TokenRefusedError(reason="it is for someone else")
    issued, not_before, expires = (datetime.fromtimestamp(0, UTC) + timedelta(seconds=time) for time in times)
    if expires - issued > LONGEST[kind]:
        raise TokenRefusedError(reason="it lives longer than any token of M1")
    return Claims(_uuid(payload["sub"]), _uuid(payload["jti"]), issued, expires, payload["scope"]), not_before


def _uuid(value: object) -> UUID:
    try:
        parsed = UUID(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != value:
        raise TokenRefusedError(reason="its claims are not those of this kind of token")
    return parsed
