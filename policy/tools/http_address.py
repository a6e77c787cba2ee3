"""Where a request may go: an address that reads one way only, a host that the operator listed, networks checked.

What a host name means is asked once, and the answer is what is connected to: a name that means another machine a moment
later leads nowhere.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from policy.declare import ToolError

Network: TypeAlias = IPv4Network | IPv6Network
Reached: TypeAlias = tuple[int, tuple[Any, ...]]
"""Address family and socket address."""

SETTING = "M1_HTTP_HOSTS"
PORTS = {"https": 443, "http": 80}
MAX_URL, MAX_HOST, MAX_PORT = 4_000, 253, 65_535
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"({_LABEL}(?:\.{_LABEL})*)(?::([1-9][0-9]{{0,4}}))?"
_PLAIN, _CODED = r"A-Za-z0-9._~:@!$&'()*+,;=/-", "%[0-9A-Fa-f]{2}"
_URL = re.compile(rf"(https?)://{_HOST}(/(?:[{_PLAIN}]|{_CODED})*)?(\?(?:[{_PLAIN}?]|{_CODED})*)?")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_TWO_READINGS = re.compile(r"^//|[\x00-\x1f\x7f]|(?:^|[/\\])\.{1,2}(?:[/\\;]|$)")
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 "
        "168.63.129.16/32 "  # a cloud's host, reached by its own guests only
        "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
    ).split()
)
_GLOBAL_IPV6 = ip_network("2000::/3")
"""All that is given out for the internet; mapped, translated (NAT64), local and multicast addresses lie outside."""


class Origin(NamedTuple):
    """Whom a request is for: scheme, host in small letters, port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the scheme's own: what the Host header says."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


def parse(url: str) -> tuple[Origin, str]:
    """Return an address's origin, and the path with its query; refused is whatever two readers could read differently.

    No credentials, no fragment, no number in disguise for a host; in the path no `..` and no control character, plain
    or encoded.
    """
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None:
        raise ToolError("`url` must be a plain address, https://host/path?query, in ASCII, without name or fragment.")
    scheme, host, port = found[1], found[2].lower(), int(found[3] or PORTS[found[1]])
    if len(host) > MAX_HOST or port > MAX_PORT or (_NUMERIC.fullmatch(host.rpartition(".")[2]) and not _is_ipv4(host)):
        raise ToolError("`url` has a host or a port that is none.")
    if _TWO_READINGS.search(unquote(found[4] or "")):
        raise ToolError("`url` has `.`, `..`, a control character or a doubled slash at the start of its path.")
    return Origin(scheme, host, port), (found[4] or "/") + (found[5] or "")


def networks(origin: Origin, listed: str) -> tuple[Network, ...]:
    """Return the networks that the operator's list gives for an origin, () for public addresses; ToolError without."""
    hosts: dict[Origin, tuple[Network, ...]] = {}
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        where, separator, ranges = entry.partition("=")
        if (one := listed_origin(where.strip(), SETTING)) in hosts:
            raise ToolError(f"{SETTING} lists {where.strip()!r} twice.")
        hosts[one] = _ranges(ranges) if separator else ()
    if origin not in hosts:
        raise ToolError(f"{origin.scheme}://{origin.authority} is not among the hosts of {SETTING}.")
    return hosts[origin]


def listed_origin(where: str, setting: str) -> Origin:
    """Return the origin that a setting names: `host`, `host:port`, or `http://host` for one without encryption."""
    try:
        origin, target = parse(where if "://" in where else f"https://{where}")
    except ToolError:
        target = ""
    if target != "/":
        raise ToolError(f"{setting} lists {where!r}, which is no host; see docs/settings.md.")
    return origin


def reachable(origin: Origin, within: tuple[Network, ...]) -> list[Reached]:
    """Return the addresses of a host, asked for once; ToolError unless every one of them may be reached.

    within  networks that all of them must lie in; without any, all must be public
    """
    try:
        found = resolve(origin.host, origin.port)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise ToolError(f"{origin.host} has no address; nothing was sent.")
    for _, (text, *_) in found:
        if not _may_be_reached(text, within):
            where = "outside its networks" if within else "not public"
            raise ToolError(f"{origin.host} has the address {text}, which is {where}; nothing was sent.")
    return found


def resolve(host: str, port: int) -> list[Reached]:
    """Ask the system's resolver."""
    return [(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _may_be_reached(text: str, within: tuple[Network, ...]) -> bool:
    address = ip_address(text)
    if within:
        return any(address in network for network in within)
    return (address.version == 4 or address in _GLOBAL_IPV6) and not any(address in bad for bad in _NOT_PUBLIC)


def _ranges(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split("+"))
    except ValueError:
        raise ToolError(f"{SETTING}: {text!r} is no network, such as 10.0.0.0/8, nor several joined by +.") from None


def _is_ipv4(host: str) -> bool:
    """Tell whether a host is an address as everyone writes it; 0x7f.1, 2130706433 and 0177.0.0.1 are not."""
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
