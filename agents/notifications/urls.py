"""The addresses that are told, as the setting lists them: Apprise URLs, each for all calls or for a group's.

Whoever imports this imports Apprise, with all its services; only the worker that tells, and the operator, have a use
for it. No Django here: settings read it.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset
from apprise.plugins import NotifyBase

MOST_TARGETS, MOST_GROUP_NAME = 20, 150
_ENTRY = re.compile(r"(?:(?P<group>[^=:/?#]*)=)?(?P<url>[A-Za-z][A-Za-z0-9+.-]*://.+)")
ASSET = AppriseAsset(
    app_id="M1", app_desc="M1", app_url="", image_url_mask="", image_url_logo="", image_path_mask="",
    storage_mode="memory", service_timeout=0, pem_autogen=False, pgp_autogen=False, http_redirects=False,
    allow_templates=False, async_mode=False,
)  # fmt: skip
# What these write down holds addresses, and with them secrets: nothing of theirs goes to M1's log.
for _name in ("apprise", "urllib3", "requests", "oauthlib", "requests_oauthlib", "charset_normalizer"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False
logging.getLogger("apprise").setLevel(logging.DEBUG)  # there alone it says why a message was not taken


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of the setting.

    number   its place, from 1
    group    who must be asked for it to be told; "" for all
    service  what kind it is, as Apprise names it
    is_one   it reaches one place: several may have been told though one did not take it
    """

    number: int
    group: str
    service: str
    is_one: bool
    url: str = field(repr=False)

    @property
    def label(self) -> str:
        """How people know it: nothing of the address is in it, since in many services all of it is secret."""
        return f"{self.number} {self.service}"[:100]

    def identity(self, key: bytes) -> str:
        """Return what stays the same when the setting is put in another order, and says nothing without the key."""
        return hmac.digest(key, f"notification target\0{self.group}\0{self.url}".encode(), hashlib.sha256).hex()

    def service_object(self) -> Apprise:
        """Return what sends to it."""
        sender = Apprise(asset=ASSET)
        sender.add(self.url)
        return sender


def parse(text: str) -> list[Address]:
    """Return the entries, which whitespace separates. Raises ValueError with a sentence that holds no secret."""
    found: list[Address] = []
    for number, entry in enumerate(text.split(), start=1):
        found.append(_address(number, entry))
    if len(found) > MOST_TARGETS:
        raise ValueError(f"has {len(found)} entries; at most {MOST_TARGETS} are told")
    if doubled := next(_doubled(found), None):
        raise ValueError(f"entry {doubled.number} is there twice")
    return found


def _address(number: int, entry: str) -> Address:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"entry {number} is not an Apprise address, or group=address; see docs/notifications.md")
    group = unquote(match["group"] or "")
    if match["group"] == "" or len(group) > MOST_GROUP_NAME:
        raise ValueError(f"entry {number} names no group before its =")
    service = Apprise.instantiate(match["url"], asset=ASSET, suppress_exceptions=True)
    if not isinstance(service, NotifyBase):
        raise ValueError(f"entry {number} is not an address that Apprise can tell; see docs/notifications.md")
    return Address(number, group, str(service.service_name), len(service) <= 1, match["url"])


def _doubled(found: list[Address]) -> Iterator[Address]:
    seen = set()
    for address in found:
        if (address.group, address.url) in seen:
            yield address
        seen.add((address.group, address.url))
