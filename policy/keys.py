"""Keys that sign and verify M1's tokens, by `kid`. The algorithm is the key's, never a token's (RFC 8725 §3.1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class KeyState(StrEnum):
    """What a key is good for: it signs and verifies, it only verifies what it signed earlier, or neither."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that makes tokens; only the web process holds one (with HS256, whoever verifies does)."""

    kid: str
    algorithm: str
    material: Ed25519PrivateKey | bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class VerifyingKey:
    """A key that checks tokens; equal to itself alone, so that what it verified can be remembered under it.

    retired_at   from then on it verifies nothing, whenever that was signed; None while it is in service
    """

    kid: str
    algorithm: str
    material: Ed25519PublicKey | bytes = field(repr=False)
    retired_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """The name that the key's own material gives it, whatever kid it is listed under."""
        return kid_of(self.material if isinstance(self.material, bytes) else self.material.public_bytes_raw())


@dataclass(frozen=True, slots=True)
class KeyRing:
    """One key signs, all verify that are not retired: rotation is add, switch, retire."""

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
            private = load_pem_private_key(pem_bytes(pem), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("is not an Ed25519 private key in PEM form")
        kid = kid_of(private.public_key().public_bytes_raw())
        return self._with(VerifyingKey(kid, "EdDSA", private.public_key()), SigningKey(kid, "EdDSA", private))

    def state(self, kid: str, now: datetime) -> KeyState | None:
        """Return what a key is good for at a time, None for one that is not in the ring."""
        key = self.verifying.get(kid)
        if key is None:
            return None
        if key.retired_at is not None and key.retired_at <= now:
            return KeyState.RETIRED
        return KeyState.ACTIVE if self.signing and self.signing.kid == kid else KeyState.VERIFY_ONLY

    def _with(self, verifying: VerifyingKey, signing: SigningKey) -> "KeyRing":
        for key in self.verifying.values():
            if key.retired_at is not None and key.fingerprint == signing.kid:
                raise ValueError(f"is the key {signing.kid}, which M1_JWT_KEYS retires; let another key sign")
        return replace(self, signing=signing, verifying=MappingProxyType({**self.verifying, verifying.kid: verifying}))


def kid_of(material: bytes) -> str:
    """Return the name of a key: a digest's first 16 hex digits, so that two processes agree without talking."""
    return hashlib.sha256(b"m1 key id\0" + material).hexdigest()[:16]


def pem_bytes(text: str) -> bytes:
    """Return PEM as it is written in a file, or on one line of an environment with `\\n` between its lines."""
    return text.replace("\\n", "\n").encode()
