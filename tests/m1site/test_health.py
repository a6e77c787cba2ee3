"""Whether M1 is well, what it logs, and whom it believes about where a request comes from."""

import json
import logging
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from m1site import health, middleware
from m1site.logs import LineFormatter


def test_health_says_what_was_checked(db: None, client: Client) -> None:
    answer = client.get("/health")
    told = answer.json()
    assert answer.status_code == 200
    assert told.keys() == {"status", "timestamp", "version", "checks"}
    assert told["checks"].keys() == {"database", "redis", "memory"}
    assert told["checks"]["redis"] == {"status": "disabled"}


def test_a_database_that_is_away_is_503_without_its_address(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("10.0.0.7 refused")

    with monkeypatch.context() as broken:
        broken.setattr(health.connection, "cursor", away)
        answer = Client().get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == {"status": "failed", "detail": health.DETAIL}
    assert b"10.0.0.7" not in answer.content


def test_redis_is_optional(db: None, settings: Any, redis_url: str) -> None:
    settings.ENABLE_REDIS_CACHING = True
    settings.REDIS_URL = redis_url
    assert Client().get("/health").json()["checks"]["redis"] == {"status": "ok"}
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["checks"]["redis"]) == (200, {"status": "failed"})


def test_a_full_memory_is_503(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_container", lambda: 0.99)
    assert Client().get("/health").status_code == 503


def test_live_touches_nothing() -> None:
    """Without a database fixture, pytest-django refuses every query."""
    answer = Client().get("/health/live")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert Client().post("/health/live").status_code == 405


def line(message: str, *args: object) -> str:
    record = logging.LogRecord("m1", logging.INFO, "", 0, message, args, None)
    return LineFormatter().format(record)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\u2028b", "a\u202eb", "a\x85b", "a\x00b", "a\x7fb"])
def test_a_record_is_one_line_of_visible_ascii(text: str) -> None:
    written = line("said %s", text)
    assert len(written.splitlines()) == 1
    assert written.isascii() and written.isprintable()
    assert json.loads(written)["message"].startswith("said a")


@pytest.mark.parametrize(
    "secret",
    [
        "m1_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "sk-" + "a1" * 20,
    ],
)
def test_secrets_stay_out(secret: str) -> None:
    assert secret not in line("Authorization: Bearer %s; %s", secret, secret)
    try:
        raise ValueError(secret)
    except ValueError as exc:
        record = logging.LogRecord("m1", logging.ERROR, "", 0, "failed", (), (type(exc), exc, exc.__traceback__))
    assert secret not in LineFormatter().format(record)


def test_passwords_in_addresses_stay_out() -> None:
    assert "hunter2" not in line("postgres://m1:hunter2@db/m1 is away")


def test_a_wrong_format_costs_no_record() -> None:
    assert "odd" in line("%d", "odd")


def seen(settings: Any, address: str, **headers: str) -> tuple[str, str, list[str]]:
    """Return the client's address, the scheme, and the headers that are left."""
    settings.M1_TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    found: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(request)
        return HttpResponse()

    meta: dict[str, Any] = {"REMOTE_ADDR": address, **headers}
    middleware.TrustedProxyMiddleware(view)(RequestFactory().get("/", **meta))
    left = [name for name in found[0].META if "FORWARDED" in name]
    return found[0].META["REMOTE_ADDR"], str(found[0].scheme), left


@pytest.mark.parametrize(
    ("address", "forwarded_for", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "made up", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, made up, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_our_proxies_say_who_the_client_is(settings: Any, address: str, forwarded_for: str, client: str) -> None:
    assert seen(settings, address, HTTP_X_FORWARDED_FOR=forwarded_for) == (client, "http", [])


def test_only_our_proxies_say_that_it_was_https(settings: Any) -> None:
    assert seen(settings, "10.0.0.1", HTTP_X_FORWARDED_PROTO="https")[1] == "https"
    assert seen(settings, "203.0.113.9", HTTP_X_FORWARDED_PROTO="https")[1] == "http"
    assert seen(settings, "10.0.0.1", HTTP_X_FORWARDED_PROTO="https, http")[1] == "http"


def test_forwarded_hosts_are_never_believed(settings: Any) -> None:
    for name in ("HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED"):
        assert seen(settings, "10.0.0.1", **{name: "evil.example"})[2] == []
