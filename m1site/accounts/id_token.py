"""The ID token of an OpenID provider: who signed in there, for M1, just now (OpenID Connect Core 1.0, 3.1.3.7)."""

from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.utils.crypto import constant_time_compare

ALGORITHMS = frozenset("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split())
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")
LEEWAY_SECONDS = 60  # the provider's clock is not ours
MAX_SUBJECT = 191


class IdTokenError(OAuth2Error):
    """The ID token does not prove who is there."""


def verified(token: object, *, issuer: str, audience: str, nonce: str, keys_url: str) -> dict[str, Any]:
    """Return the claims of the token. Raises IdTokenError.

    keys_url   where the provider shows its public keys, as a JSON Web Key Set
    """
    if not isinstance(token, str):
        raise IdTokenError("the provider sent no ID token")
    try:
        key = _key_of(jwt.get_unverified_header(token), keys_url)
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[key.algorithm_name], audience=audience, issuer=issuer, leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as exc:
        raise IdTokenError(f"the ID token is not valid: {type(exc).__name__}") from exc
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != audience:
        raise IdTokenError("the ID token is for somebody else")
    if not isinstance(claims["nonce"], str) or not constant_time_compare(claims["nonce"], nonce):
        raise IdTokenError("the ID token answers another sign-in")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= MAX_SUBJECT:
        raise IdTokenError("the ID token names nobody")
    return claims


def _key_of(header: dict[str, Any], keys_url: str) -> jwt.PyJWK:
    """Return the one public key that the token says it is signed with; a provider with one key need not name it.

    The key says which algorithm it is for; what the token says must be the same, or PyJWT refuses it.
    """
    with get_adapter().get_requests_session() as session:
        answer = session.get(keys_url)
        answer.raise_for_status()
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
    kid = header.get("kid")
    usable = (key for key in keys if key.algorithm_name in ALGORITHMS and key.public_key_use in (None, "sig"))
    found = [key for key in usable if kid is None or key.key_id == kid]
    if len(found) != 1:
        raise IdTokenError("the provider shows no key, or more than one, that could have signed the ID token")
    return found[0]
