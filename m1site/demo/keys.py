"""The demo's secrets: made once, kept in files that only this user can read."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from m1site.demo.errors import DemoError
from policy.keys import kid_of


@dataclass(frozen=True)
class Keys:
    """What the processes are given of; no process gets all of it.

    private_key  PEM, signs approvals
    public_keys  JSON, the verification keys by kid, as M1_JWT_KEYS wants it
    """

    session_key: str = field(repr=False)
    audit_mac_key: str = field(repr=False)
    private_key: str = field(repr=False)
    public_keys: str


def load(folder: Path) -> Keys:
    """Return the secrets in the folder, and make those that are missing. Raises DemoError for a damaged one."""
    session_key = _kept(folder / "session-key", _random)
    audit_mac_key = _kept(folder / "audit-mac-key", _random)
    private_key = _kept(folder / "approvals.pem", _new_pair)
    return Keys(session_key, audit_mac_key, private_key, _public_keys(private_key, folder))


def _kept(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(make())
    return file.read_text()


def _random() -> str:
    return secrets.token_urlsafe(48)


def _new_pair() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_keys(private_key: str, folder: Path) -> str:
    try:
        public = load_pem_private_key(private_key.encode(), password=None).public_key()
    except ValueError:
        raise DemoError(why=f"{folder / 'approvals.pem'} is damaged; begin afresh with: make demo RESET=1") from None
    kid = kid_of(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return json.dumps({kid: pem})
