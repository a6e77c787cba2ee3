"""Whom to believe about where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from m1site.problems import GetResponse

FORWARDED = tuple(f"HTTP_X_FORWARDED_{what}" for what in ("FOR", "PROTO", "HOST", "PORT")) + ("HTTP_FORWARDED",)


class TrustedProxyMiddleware:
    """Take address and scheme from a proxy of M1_TRUSTED_PROXIES; from anyone else such headers are removed.

    The scheme is put where WSGI has it, so SECURE_PROXY_SSL_HEADER, which believes everybody, stays unset.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, whose REMOTE_ADDR and scheme are now those of the client."""
        meta = request.META
        headers = {name: meta.pop(name) for name in FORWARDED if name in meta}
        if is_trusted(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = client_of(headers.get("HTTP_X_FORWARDED_FOR", ""), meta["REMOTE_ADDR"])
            if headers.get("HTTP_X_FORWARDED_PROTO", "").strip().lower() == "https":
                meta["wsgi.url_scheme"] = "https"
        return self.get_response(request)


def client_of(forwarded_for: str, nearest: str) -> str:
    """Return the last address that is not a trusted proxy's: what stands left of it, its sender may have made up."""
    client = nearest
    for address in reversed([part.strip() for part in forwarded_for.split(",")]):
        if not _is_address(address):
            break
        client = address
        if not is_trusted(address):
            break
    return client


def is_trusted(address: str) -> bool:
    """Tell whether the address is one of M1's own proxies."""
    return _is_address(address) and any(ip_address(address) in network for network in settings.M1_TRUSTED_PROXIES)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
