"""Keys that sign and verify M1's tokens, by `kid`. The algorithm is the key's, never a token's (RFC 8725 §3.1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from audit import canonical
from audit.errors import M1Error

MIN_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that makes tokens; only the web process holds one (with HS256, whoever verifies does)."""

    kid: str
    algorithm: str
    material: Ed25519PrivateKey | bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class VerifyingKey:
    """A key that checks tokens; equal to itself alone, so that what it verified can be remembered under it."""

    kid: str
    algorithm: str
    material: Ed25519PublicKey | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """One key signs, all verify: rotation is add, switch, remove."""

    signing: SigningKey | None = None
    verifying: Mapping[str, VerifyingKey] = field(default_factory=lambda: MappingProxyType({}))

    def with_secret(self, secret: bytes) -> "KeyRing":
        """Return the ring with the HS256 secret, which verifies and signs. An empty one adds nothing."""
        if not secret:
            return self
        kid = kid_of(secret)
        return self._with(VerifyingKey(kid, "HS256", secret), SigningKey(kid, "HS256", secret))

    def with_private_key(self, pem: str) -> "KeyRing":
        """Return the ring with the Ed25519 pair whose private half is given as PEM. An empty text adds nothing."""
        if not pem.strip():
            return self
        try:
            private = load_pem_private_key(_pem(pem), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("is not an Ed25519 private key in PEM form")
        kid = kid_of(private.public_key().public_bytes_raw())
        return self._with(VerifyingKey(kid, "EdDSA", private.public_key()), SigningKey(kid, "EdDSA", private))

    def _with(self, verifying: VerifyingKey, signing: SigningKey) -> "KeyRing":
        return replace(self, signing=signing, verifying=MappingProxyType({**self.verifying, verifying.kid: verifying}))


def kid_of(material: bytes) -> str:
    """Return the name of a key: a digest's first 16 hex digits, so that two processes agree without talking."""
    return hashlib.sha256(b"m1 key id\0" + material).hexdigest()[:16]


def parse_verification_keys(text: str) -> KeyRing:
    """Return a ring that verifies with the keys of `{kid: PEM or secret}`, a JSON object; "" is an empty ring.

    A PEM text is an Ed25519 public key, any other an HS256 secret of 32 bytes or more. Raises ValueError.
    """
    if not text.strip():
        return KeyRing()
    try:
        entries = canonical.parse(text.encode())
    except M1Error as exc:
        raise ValueError(str(exc)) from exc
    if not isinstance(entries, dict):
        raise ValueError("is not a JSON object of keys by kid")
    return KeyRing(verifying=MappingProxyType({kid: _verifying_key(kid, value) for kid, value in entries.items()}))


def _verifying_key(kid: str, value: object) -> VerifyingKey:
    if not isinstance(value, str) or not 0 < len(kid) <= 64:
        raise ValueError(f"the key {kid[:64]!r} must be a text, under a kid of at most 64 characters")
    if "-----BEGIN" not in value:
        if len(value.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret {kid!r} has fewer than {MIN_SECRET_BYTES} bytes")
        return VerifyingKey(kid, "HS256", value.encode())
    try:
        public = load_pem_public_key(_pem(value))
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError(f"the key {kid!r} is not an Ed25519 public key in PEM form")
    return VerifyingKey(kid, "EdDSA", public)


def _pem(text: str) -> bytes:
    return text.replace("\\n", "\n").encode()
