"""The directory in which an operator keeps the keys of tokens: who signs, who signs next, and the list of all."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit.errors import M1Error
from policy import key_list
from policy.keys import KeyRing, VerifyingKey

SIGNING, NEXT, LIST = "signing-key", "next-signing-key", "keys.json"
ALGORITHMS = ("EdDSA", "HS256")


class RotationError(M1Error):
    """{why}"""

    code = "rotation_refused"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Keys:
    """What the directory holds.

    signing, next   the key that signs, and the one that is to; None where there is no such file
    listed          the keys that verify, by kid
    """

    signing: VerifyingKey | None
    next: VerifyingKey | None
    listed: Mapping[str, VerifyingKey]

    @property
    def earlier(self) -> list[VerifyingKey]:
        """The keys that neither sign nor will, and are not retired."""
        own = {key.kid for key in (self.signing, self.next) if key}
        return [key for kid, key in self.listed.items() if kid not in own and key.retired_at is None]


class KeyDirectory:
    """The three files, each replaced as a whole or not at all, and readable by their owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[Keys]:
        """Keep other operators out, and give what the files say. Raises RotationError for one that cannot be read."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield self.read()
        finally:
            os.close(descriptor)

    def read(self) -> Keys:
        """Return what the files say. Raises RotationError."""
        try:
            ring = key_list.parse(self._text(LIST))
        except (ValueError, OSError) as exc:
            raise RotationError(why=f"{self.path / LIST} cannot be read: it {exc}") from exc
        return Keys(self._key(SIGNING), self._key(NEXT), ring.verifying)

    def write_list(self, keys: Mapping[str, VerifyingKey]) -> None:
        """Replace the list, unless no process could read it then."""
        text = key_list.write(keys)
        try:
            key_list.parse(text)
        except ValueError as exc:
            raise RotationError(why=f"{self.path / LIST} would not be readable: it {exc}") from exc
        self._replace(LIST, text)

    def write_key(self, name: str, algorithm: str) -> VerifyingKey:
        """Make a new key and write it; return its half that verifies."""
        text = new_private_key() if algorithm == "EdDSA" else secrets.token_urlsafe(48)
        self._replace(name, text)
        return verifying(text)

    def promote(self) -> None:
        """Let the next key sign: one rename, after which the earlier key signs nothing ever again."""
        (self.path / NEXT).replace(self.path / SIGNING)
        self._keep()

    def _key(self, name: str) -> VerifyingKey | None:
        try:
            text = self._text(name)
            return verifying(text) if text else None
        except (ValueError, OSError) as exc:
            raise RotationError(why=f"{self.path / name} cannot be read: it {exc}") from exc

    def _text(self, name: str) -> str:
        file = self.path / name
        return file.read_text() if file.exists() else ""

    def _replace(self, name: str, text: str) -> None:
        file, new = self.path / name, self.path / f".{name}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            os.fchmod(descriptor, 0o600)
            self._hand_over(descriptor)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        new.replace(file)
        self._keep()

    def _hand_over(self, descriptor: int) -> None:
        """Give a file that root writes to the owner of the directory, whose processes read it."""
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _keep(self) -> None:
        """Have the renamed files on disk before anybody is told."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)


def new_private_key() -> str:
    """Return a new Ed25519 private key in PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def verifying(text: str) -> VerifyingKey:
    """Return the half that verifies of a private key in PEM, or of a secret. Raises ValueError."""
    is_pem = "-----BEGIN" in text
    ring = KeyRing().with_private_key(text) if is_pem else KeyRing().with_secret(text.rstrip("\r\n").encode())
    (key,) = ring.verifying.values()
    return key
