"""The list of keys that verify, as M1_JWT_KEYS has it: `{kid: PEM or secret}`, each with the time of its retirement."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from audit import canonical
from audit.errors import M1Error
from audit.plain import utc_text
from policy.errors import UnjudgedError
from policy.keys import KeyRing, VerifyingKey, pem_bytes
from policy.operators.kinds import instant

MIN_SECRET_BYTES = 32
MAX_KID = 64


def parse(text: str) -> KeyRing:
    """Return a ring that verifies with the keys of `{kid: PEM or secret}`, a JSON object; "" is an empty ring.

    A PEM text is an Ed25519 public key, any other an HS256 secret of 32 bytes or more. Instead of the text there may
    be {"key": text, "retired_at": RFC 3339 time}. Raises ValueError.
    """
    if not text.strip():
        return KeyRing()
    try:
        entries = canonical.parse(text.encode())
    except M1Error as exc:
        raise ValueError(str(exc)) from exc
    if not isinstance(entries, dict):
        raise ValueError("is not a JSON object of keys by kid")
    found = {kid: _entry(kid, value) for kid, value in entries.items()}
    _refuse_twins(found)
    return KeyRing(verifying=MappingProxyType(found))


def _entry(kid: str, value: object) -> VerifyingKey:
    if not 0 < len(kid) <= MAX_KID:
        raise ValueError(f"the kid {kid[:MAX_KID]!r} must have 1 to {MAX_KID} characters")
    if not isinstance(value, dict):
        return _verifying_key(kid, value)
    if set(value) != {"key", "retired_at"}:
        raise ValueError(f"the key {kid!r} must be a text, or an object of key and retired_at")
    try:
        retired_at = instant(value["retired_at"])
    except UnjudgedError as exc:
        raise ValueError(f"the time at which {kid!r} is retired {exc.problem}") from exc
    return replace(_verifying_key(kid, value["key"]), retired_at=retired_at)


def _refuse_twins(keys: Mapping[str, VerifyingKey]) -> None:
    """Refuse a key under two names: retired under one, it would go on under the other."""
    seen: dict[str, str] = {}
    for kid, key in keys.items():
        if (other := seen.setdefault(key.fingerprint, kid)) != kid:
            raise ValueError(f"{other!r} and {kid!r} are the same key; keep the entry named {key.fingerprint!r}")


def _verifying_key(kid: str, value: object) -> VerifyingKey:
    if not isinstance(value, str):
        raise ValueError(f"the key {kid!r} must be a text")
    if "-----BEGIN" not in value:
        if len(value.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret {kid!r} has fewer than {MIN_SECRET_BYTES} bytes")
        return VerifyingKey(kid, "HS256", value.encode())
    try:
        public = load_pem_public_key(pem_bytes(value))
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError(f"the key {kid!r} is not an Ed25519 public key in PEM form")
    return VerifyingKey(kid, "EdDSA", public)


def write(keys: Mapping[str, VerifyingKey]) -> str:
    """Return the list as `parse` reads it, a line per key."""
    entries = {kid: _written(key) for kid, key in sorted(keys.items())}
    return json.dumps(entries, indent=1) + "\n"


def _written(key: VerifyingKey) -> object:
    if isinstance(key.material, bytes):
        text = key.material.decode()
    else:
        text = key.material.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return text if key.retired_at is None else {"key": text, "retired_at": utc_text(key.retired_at)}
