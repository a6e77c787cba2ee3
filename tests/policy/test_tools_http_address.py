"""An address reads one way only, a host is listed or refused, and every network that is not public is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.declare import ToolError
from policy.operators.places import url_host
from policy.tools import http_address
from policy.tools.http_address import Origin, listed_origin, networks, parse, reachable

API = Origin("https", "api.example.com", 443)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://api.example.com", "api.example.com", "/"),
        ("https://api.example.com/", "api.example.com", "/"),
        ("https://API.Example.COM:443/A?b=%20&c", "api.example.com", "/A?b=%20&c"),
        ("https://api.example.com?q=1", "api.example.com", "/?q=1"),
        ("http://api.example.com:443/x//y", "api.example.com:443", "/x//y"),
        ("http://192.0.2.1:8080/...;v=1/a..b", "192.0.2.1:8080", "/...;v=1/a..b"),
        ("https://api.example.com/a@b:c/?u=https://evil.example/../x", "api.example.com",
         "/a@b:c/?u=https://evil.example/../x"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/"),
    ],
)  # fmt: skip
def test_a_plain_address_has_one_reading(url: str, authority: str, target: str) -> None:
    origin, found = parse(url)
    assert (origin.authority, found) == (authority, target)
    assert origin.host == url_host(url) == urlsplit(url).hostname


HOSTILE = [
    "", "api.example.com", "//api.example.com/", "https:api.example.com", "https:/api.example.com", "https:///x",
    "ftp://api.example.com/", "file:///etc/passwd", "HTTPS://api.example.com/", "javascript:alert(1)",
    "https://user@api.example.com/", "https://api.example.com@evil.example/", "https://api.example.com:443@evil.example/",
    "https://evil.example\\@api.example.com/", "https://api.example.com\\.evil.example/", "https://api.example.com\\x",
    "https://evil.example#@api.example.com/", "https://api.example.com/#fragment", "https://api.example.com#",
    "https://api.example.com%2eevil.example/", "https://%61pi.example.com/", "https://api.example.com%00.evil.example/",
    "https://api.example.com./", "https://.api.example.com/", "https://api..example.com/", "https://-a.example.com/",
    "https://a_b.example.com/", f"https://{'a' * 64}.example/", "https://" + "a." * 130 + "example/",
    "https://api.example.com:/", "https://api.example.com:0/", "https://api.example.com:65536/",
    "https://api.example.com:0443/", "https://api.example.com:+443/", "https://api.example.com:４４３/",
    "https://api.example.com:443:443/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
    "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
    "https://127.0.0.01/", "https://127.0.0.1.5/", "https://1.2.3/", "https://①②⑦.0.0.1/", "https://api.example.0x/",
    "https://аpi.example.com/", "https://bücher.example/", "https://api。example.com/", "https://api\u00ad.example.com/",
    "https://api.example.com/é", "https://api.example.com/\u202e", "https://api.example.com/a b",
    "https://api.example.com/\n", "https://api.example.com\n", "https://api.example.com/\r\nX-A: b", " https://api.example.com/",
    "https://api.example.com/\tx", "https://api.example.com/\x00", "https://api.example.com/\x7f",
    "https://api.example.com/a HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "https://api.example.com/%0d%0aX", "https://api.example.com/%00", "https://api.example.com/%7F",
    "https://api.example.com/%", "https://api.example.com/%zz", "https://api.example.com/?%2",
    "https://api.example.com/..", "https://api.example.com/v1/../admin", "https://api.example.com/./x",
    "https://api.example.com/v1/%2e%2E/admin", "https://api.example.com/v1/.%2e/admin",
    "https://api.example.com/v1%2f..%2fadmin", "https://api.example.com/v1/..;x=1/admin",
    "https://api.example.com/v1/..%5cadmin", "https://api.example.com//evil.example/",
    "https://api.example.com/%2fevil.example/", "https://api.example.com/<script>", 'https://api.example.com/"',
    "https://api.example.com/{x}", "https://api.example.com/?a[0]=1", "https://api.example.com/" + "x" * 4_000,
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_could_be_read_otherwise_is_refused(url: str) -> None:
    with pytest.raises(ToolError):
        parse(url)


PIECES = ["api.example.com", "evil.example", "127.0.0.1", "0x7f", "1", "@", ":", "//", "/", "\\", "?", "#", "%2f",
          "%40", "..", ".", "[", "]", ":443", "\n", "\t", " ", "é", "。", "a", "-", ";"]  # fmt: skip


@given(st.sampled_from(["https://", "http://", "https:", "//"]), st.lists(st.sampled_from(PIECES), max_size=6))
def test_the_host_that_a_rule_sees_is_the_host_that_is_asked(start: str, pieces: list[str]) -> None:
    url = start + "".join(pieces)
    try:
        origin, _ = parse(url)
    except ToolError:
        return
    assert origin.host == url_host(url) == urlsplit(url).hostname
    assert origin.port == (urlsplit(url).port or {"https": 443, "http": 80}[origin.scheme])


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("api.example.com", "https://api.example.com/"),
        ("https://API.example.com/", "https://api.example.com/"),
        (" other.example ,, api.example.com:443 ", "https://api.example.com/"),
        ("http://api.example.com", "http://api.example.com/"),
        ("api.example.com:8443", "https://api.example.com:8443/"),
    ],
)
def test_a_host_that_is_listed_is_found(listed: str, url: str) -> None:
    assert networks(parse(url)[0], listed) == ()


@pytest.mark.parametrize(
    "listed",
    ["", "example.com", "other.api.example.com", "api.example.com.evil.example", "api.example.com:8443",
     "http://api.example.com", "http://api.example.com:443", "evil.example, api.example.org"],
)  # fmt: skip
def test_only_the_very_scheme_host_and_port_count(listed: str) -> None:
    with pytest.raises(ToolError, match="is not among the hosts of M1_HTTP_HOSTS"):
        networks(API, listed)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ("*", "no host"),
        ("*.example.com", "no host"),
        ("api.example.com/v1", "no host"),
        ("api.example.com api.example.org", "no host"),
        ("user@api.example.com", "no host"),
        ("ftp://api.example.com", "no host"),
        ("127.1", "no host"),
        ("api.example.com=", "no network"),
        ("api.example.com=10.0.0.1/8", "no network"),
        ("api.example.com=10.0.0.0/8+internal", "no network"),
        ("api.example.com=10.0.0.0/8, api.example.com:443", "twice"),
    ],
)
def test_a_list_with_one_bad_entry_allows_nothing(listed: str, reason: str) -> None:
    with pytest.raises(ToolError, match=reason):
        networks(API, f"{listed}, api.example.com")


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have the resolver answer with these addresses."""
    monkeypatch.setattr(http_address, "resolve", lambda host, port: [(2, (text, port)) for text in addresses])


PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 100.100.100.200 127.0.0.1 127.8.8.8 169.254.0.1
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1
fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 223.255.255.255
2001:4860:4860::8888 2606:4700::1111 2a00::1
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    names(monkeypatch, "8.8.8.8", address)  # one bad answer among good ones is enough
    with pytest.raises(ToolError, match=r"is not public; nothing was sent\.$"):
        reachable(API, ())


def test_public_addresses_may_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, *PUBLIC)
    assert [address[0] for _, address in reachable(API, ())] == PUBLIC


@pytest.mark.parametrize(
    ("listed", "addresses", "may"),
    [
        ("10.0.0.0/8", ["10.1.2.3"], True),
        ("10.0.0.0/8", ["10.1.2.3", "10.9.9.9"], True),
        ("10.0.0.0/8+fd00::/8", ["10.1.2.3", "fd00::1"], True),
        ("10.0.0.0/8", ["10.1.2.3", "127.0.0.1"], False),
        ("10.0.0.0/8", ["11.0.0.1"], False),  # a list says where the host lives, and there only
        ("10.0.0.0/8", ["8.8.8.8"], False),
        ("10.0.0.0/8", ["::ffff:10.1.2.3"], False),
        ("::ffff:0:0/96", ["::ffff:10.1.2.3"], True),
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.1", ["127.0.0.2"], False),
    ],
)
def test_the_networks_of_an_entry_are_where_its_host_may_live(
    monkeypatch: pytest.MonkeyPatch, listed: str, addresses: list[str], may: bool
) -> None:
    names(monkeypatch, *addresses)
    within = networks(API, f"api.example.com={listed}")
    if may:
        assert len(reachable(API, within)) == len(addresses)
    else:
        with pytest.raises(ToolError, match="outside its networks; nothing was sent"):
            reachable(API, within)


@pytest.mark.parametrize("failure", [OSError(-2, "Name or service not known"), UnicodeError("label too long"), None])
def test_a_host_without_an_address_is_told(monkeypatch: pytest.MonkeyPatch, failure: Exception | None) -> None:
    def resolve(host: str, port: int) -> list[http_address.Reached]:
        if failure:
            raise failure
        return []

    monkeypatch.setattr(http_address, "resolve", resolve)
    with pytest.raises(ToolError, match="has no address; nothing was sent"):
        reachable(API, ())


def test_an_address_needs_no_resolver() -> None:
    assert http_address.resolve("127.0.0.1", 80)[0][1] == ("127.0.0.1", 80)
    assert listed_origin("127.0.0.1:80", "X") == Origin("https", "127.0.0.1", 80)
