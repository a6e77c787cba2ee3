"""Digests over values that are secret: keyed, so that nobody can guess a short one from its digest."""

import hmac
from base64 import urlsafe_b64encode

from django.conf import settings

PREFIX = "hmac-sha256:"


def of_result(digest: str, request_id: str) -> str:
    """Return what stands for the digest of a call's sensitive result wherever it is kept or told, or "" for none.

    Every process that records results can make it, and nobody else. The same result of the same call has the same one;
    of another call it has another, so that who may read one result learns nothing about the next.
    """
    key: bytes = settings.M1_AUDIT_MAC_KEY
    if not digest or not key:
        return ""
    code = hmac.digest(key, f"m1 result\0{request_id}\0{digest}".encode(), "sha256")
    return PREFIX + urlsafe_b64encode(code).decode().rstrip("=")  # 55 characters, where hexadecimal takes 76
