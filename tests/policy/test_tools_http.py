"""One request to one machine that was checked, as the preview showed it; what comes back is bounded and honest."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.sandbox import running
from agents.sandbox.running import Limits, Result
from policy import registry
from policy.declare import Answer, ToolError
from policy.tools import http, http_address, http_connection
from policy.tools.http_connection import AnswerBroken, NoAnswerInTime
from tests.policy.raw_server import RawServer, answer, certificate, context_of

REQUEST = str(uuid4())
LIMITS = Limits(seconds=30, cpu_seconds=20, memory_mb=512, output_bytes=262_144, open_files=64)
SECRET = "Bearer canary-0123456789abcdef"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificate(folder, "api.example.com")
    certificate(folder, "other.example.com")
    certificate(folder, "old.example.com", expired=True)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A server without encryption, listed for http; every name resolves to the loopback."""
    monkeypatch.setenv("M1_REQUEST_ID", REQUEST)
    monkeypatch.setattr(http_address, "resolve", lambda host, port: [(2, ("127.0.0.1", port))])
    with RawServer() as server:
        monkeypatch.setenv("M1_HTTP_HOSTS", f"http://api.example.com:{server.port}=127.0.0.0/8")
        yield server


def url_of(server: RawServer, path: str = "/") -> str:
    return f"http://api.example.com:{server.port}{path}"


def ask(server: RawServer, method: Any = "GET", path: str = "/", **more: Any) -> Answer:
    return http.request(method, url_of(server, path), **more)


def test_what_arrives_is_what_the_preview_shows(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = f"api.example.com:{server.port}"
    monkeypatch.setenv("M1_HTTP_HEADERS", json.dumps({f"http://{authority}": {"Authorization": SECRET}}))
    call = ("POST", url_of(server, "/v1/x?y=1"), {"content-type": "application/json", "X-A": "b"}, '{"ä": 1}')
    shown = http.preview_request(*call)  # type: ignore[arg-type]
    assert server.connections == 0
    assert http.request(*call)["status"] == 200  # type: ignore[arg-type]
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == [
        "POST /v1/x?y=1 HTTP/1.1", f"Host: {authority}", "User-Agent: M1", "Accept: */*", "Accept-Encoding: identity",
        "Connection: close", f"Idempotency-Key: {REQUEST}", "Content-Length: 9", "content-type: application/json",
        "X-A: b", f"Authorization: {SECRET}",
    ]  # fmt: skip
    sent = server.requests[0].decode().replace("\r\n", "\n").replace(SECRET, "(set by the operator)")
    digest = hashlib.sha256(body).hexdigest()
    how = f"port {server.port}, without encryption"
    assert shown == {
        "kind": "message",
        "summary": f"One POST to api.example.com, {how}; body: 9 bytes (SHA-256 {digest})",
        "body": sent,
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_each_method_goes_out_as_itself(server: RawServer, method: str) -> None:
    assert ask(server, method)["body"] == ("" if method == "HEAD" else "hello")
    assert server.requests[0].startswith(f"{method} / HTTP/1.1\r\n".encode())
    assert (b"Idempotency-Key" in server.requests[0]) == (method not in ("GET", "HEAD"))


@pytest.mark.parametrize(
    "headers",
    [{name: "x"} for name in (
        "Host", "HOST", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Connection", "Keep-Alive", "Upgrade",
        "Expect", "Accept-Encoding", "Authorization", "Cookie", "Proxy-Authorization", "Proxy-Connection", "Forwarded",
        "X-Forwarded-For", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
        "X-Real-IP", "Idempotency-Key", "Content_Length", "", " Host", "Host ", "Host:", "X\r\nHost", "X Y", "Größe",
        "X-A\x00", ":path", "-X", "X" * 65,
    )]
    + [{"X-A": value} for value in (
        "a\r\nHost: evil.example", "a\nb", "a\rb", "a\x00b", "a\x0bb", "a\u2028b", "a\x85b", "é", "\u0130", " a", "a ",
        "a\tb", "a\x7f",
    )]
    + [{"X-A": "a", "x-a": "b"}],
)  # fmt: skip
def test_a_header_that_would_change_the_request_is_refused(server: RawServer, headers: dict[str, str]) -> None:
    for act in (http.request, http.preview_request):
        with pytest.raises(ToolError):
            act("POST", url_of(server), headers, "x")
    assert server.connections == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_goes_with_a_method_that_has_one(server: RawServer, method: Any) -> None:
    with pytest.raises(ToolError, match="has no body"):
        ask(server, method, body="x")


@pytest.mark.parametrize(
    "listed", ["", "api.example.com", "http://api.example.com", "http://api.example.com:1=127.0.0.0/8"]
)
def test_a_host_that_is_not_listed_is_neither_asked_nor_looked_up(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("M1_HTTP_HOSTS", listed)
    monkeypatch.setattr(http_address, "resolve", lambda host, port: pytest.fail("it was looked up"))
    with pytest.raises(ToolError, match="M1_HTTP_HOSTS"):
        ask(server)
    with pytest.raises(ToolError, match="M1_HTTP_HOSTS"):
        http.preview_request("GET", url_of(server))
    assert server.connections == 0


def test_a_listed_host_that_means_this_machine_is_refused(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_HTTP_HOSTS", f"http://api.example.com:{server.port}")
    with pytest.raises(ToolError, match=r"has the address 127\.0\.0\.1, which is not public"):
        ask(server)
    assert server.connections == 0


def test_a_name_is_asked_for_once_and_the_answer_is_where_the_request_goes(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M1_HTTP_HOSTS", f"http://api.example.com:{server.port}=127.0.0.1/32")
    with RawServer() as inner:  # where the name points as soon as it has been checked
        answers = iter([("127.0.0.1", server.port), ("127.0.0.1", inner.port), ("127.0.0.1", inner.port)])
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[http_address.Reached]:
            asked.append(host)
            return [(2, next(answers))]

        monkeypatch.setattr(http_address, "resolve", resolve)
        assert ask(server)["status"] == 200
        assert (asked, len(server.requests), inner.connections) == (["api.example.com"], 1, 0)
    assert f"Host: api.example.com:{server.port}\r\n".encode() in server.requests[0]


def test_the_next_address_is_tried_while_nothing_has_been_sent(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(2, ("127.0.0.2", server.port)), (2, ("127.0.0.1", server.port))]
    monkeypatch.setattr(http_address, "resolve", lambda host, port: both)
    assert (ask(server)["status"], len(server.requests)) == (200, 1)


def test_a_server_that_is_not_there_is_told(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_address, "resolve", lambda host, port: [(2, ("127.0.0.2", port))])
    with pytest.raises(ToolError, match=r"cannot be reached \(ConnectionRefusedError\); nothing was sent\.$"):
        ask(server)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_an_answer_and_is_not_followed(server: RawServer, status: str) -> None:
    with RawServer() as inner:
        location = f"http://127.0.0.1:{inner.port}/latest/meta-data"
        server.reply = answer(status, f"Location: {location}")
        result = ask(server)
        assert inner.connections == 0
    assert (result["status"], result["headers"]["location"]) == (int(status[:3]), location)
    assert len(server.requests) == 1


def test_proxies_of_the_environment_are_not_used(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(server)["status"] == 200
        assert proxy.connections == 0


def test_the_operators_headers_go_to_their_own_host_and_come_back_from_none(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = f"api.example.com:{server.port}"
    elsewhere = {f"https://{authority}": {"X-B": "b"}, "http://api.example.com": {"X-C": "c"}}
    kept = {f"http://{authority}": {"X-Key": SECRET, "Accept": "text/plain"}, **elsewhere}
    monkeypatch.setenv("M1_HTTP_HEADERS", json.dumps(kept))
    bare = SECRET.removeprefix("Bearer ")
    server.reply = answer("200 OK", f"Location: /?{bare}", body=f"you sent {SECRET}, or {bare}; text/plain".encode())
    result = ask(server)
    sent = server.requests[0].decode()
    assert f"X-Key: {SECRET}\r\nAccept: " not in sent
    assert (f"X-Key: {SECRET}\r\n" in sent, "Accept: text/plain\r\n" in sent, "*/*" in sent) == (True, True, False)
    assert ("X-B" in sent, "X-C" in sent) == (False, False)
    assert result["body"] == "you sent [withheld], or [withheld]; text/plain"
    assert result["headers"]["location"] == "/?[withheld]"
    with pytest.raises(ToolError, match="not for an agent to set"):
        ask(server, headers={"x-key": "mine"})


@pytest.mark.parametrize(
    "kept",
    ["nonsense", "[]", "1", '{"x": 1}', '{"x": {"Host": "y"}}', '{"*": {"A": "b"}}', '{"x": {"A": "b\\r\\nC: d"}}',
     '{"x": {"A": 1}}', '{"x": {"A B": "c"}}'],
)  # fmt: skip
def test_bad_headers_of_the_operator_stop_every_request(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    monkeypatch.setenv("M1_HTTP_HEADERS", kept.replace('"x"', f'"http://api.example.com:{server.port}"'))
    with pytest.raises(ToolError, match="M1_HTTP_HEADERS"):
        ask(server)
    assert server.connections == 0


def test_without_a_request_id_nothing_is_changed_anywhere(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("M1_REQUEST_ID")
    with pytest.raises(ToolError, match="M1_REQUEST_ID"):
        ask(server, "POST")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "encoding", "body"),
    [
        (answer("200 OK", body="größe\n".encode()), "text", "größe\n"),
        (answer("404 Not Found", body=b"no"), "text", "no"),
        (answer("200 OK", body=b"\xff\xfe"), "base64", "//4="),
        (answer("200 OK", body=b"a\0b"), "base64", "YQBi"),
        (answer("200 OK", body=b"\x1b[2J"), "base64", "G1sySg=="),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], "text", ""),
        ([CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\nX: y\r\n\r\n"], "text", "abcde"),
        ([b"HTTP/1.0 200 OK\r\n\r\n", b"until the end"], "text", "until the end"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", *answer("200 OK", body=b"then")], "text", "then"),
    ],
)
def test_a_body_is_text_or_base64(server: RawServer, reply: list[bytes], encoding: str, body: str) -> None:
    server.reply = reply
    result = ask(server)
    raw = base64.b64decode(body) if encoding == "base64" else body.encode()
    assert (result["encoding"], result["body"], result["truncated"]) == (encoding, body, False)
    assert (result["bytes"], result["sha256"]) == (len(raw), hashlib.sha256(raw).hexdigest())


@pytest.mark.parametrize("size", [http.MAX_BODY_BYTES, http.MAX_BODY_BYTES + 1, 40_000_000])
def test_a_huge_body_is_cut_with_its_digest(server: RawServer, size: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    server.reply = itertools.chain([head], itertools.repeat(b"x" * 10_000, size // 10_000), [b"x" * (size % 10_000)])
    result = ask(server)
    assert result["body"] == "x" * http.MAX_BODY_BYTES
    assert (result["truncated"], result["bytes"]) == (size > http.MAX_BODY_BYTES, http.MAX_BODY_BYTES)
    assert result["sha256"] == hashlib.sha256(result["body"].encode()).hexdigest()


def test_a_character_at_the_cut_is_no_reason_for_base64(server: RawServer) -> None:
    server.reply = answer("200 OK", body=b"x" + "é".encode() * http.MAX_BODY_BYTES)
    result = ask(server)
    assert (result["encoding"], result["truncated"], result["body"][-1]) == ("text", True, "é")


@pytest.mark.parametrize(
    "headers",
    [["Content-Encoding: gzip"], ["Content-Encoding: br"], ["content-encoding: identity, gzip"],
     ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: gzip"]],
)  # fmt: skip
def test_a_compressed_body_is_refused_and_the_status_is_told(server: RawServer, headers: list[str]) -> None:
    server.reply = answer("201 Created", *headers, body=gzip.compress(b"0" * 10_000_000))
    result = ask(server)
    assert (result["status"], result["encoding"], result["body"]) == (201, "refused", "")
    assert (result["bytes"], result["truncated"]) == (0, True)


def test_headers_of_the_answer_are_few_and_plain(server: RawServer) -> None:
    sent = ("Set-Cookie: a=b", "ETag: \x1b[2J\xe9", f"Link: {'l' * 5_000}", "X-Other: y", "Allow: GET", "Allow: PUT")
    server.reply = answer("200 OK", *sent)
    headers = ask(server)["headers"]
    assert headers == {
        "allow": "GET, PUT", "content-length": "0", "etag": "\ufffd[2J\ufffd", "link": "l" * http.MAX_HEADER_CHARACTERS,
    }  # fmt: skip


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        [],
        [b"nonsense\r\n\r\n"],
        [b"HTTP/1.1 abc\r\n\r\n"],
        [b"220 mail.example.com ESMTP\r\n"],
        [HEAD, b"Content-Length: 10\r\n\r\nabc"],
        [CHUNKED, b"5\r\nab"],
        [CHUNKED, b"zz\r\nab"],
        itertools.chain([CHUNKED, b"-1\r\n"], itertools.repeat(b"x" * 65_536)),
        itertools.chain([CHUNKED], itertools.repeat(b"1;" + b"e" * 60_000 + b"\r\nx\r\n")),
        itertools.chain([CHUNKED, b"0\r\n"], itertools.repeat(b"X: y\r\n" * 1_000)),
        itertools.chain([HEAD], itertools.repeat(b"X: y\r\n")),
        itertools.chain([HEAD, b"X: "], itertools.repeat(b"y" * 65_536)),
        itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    ],
)
def test_an_answer_that_is_none_does_not_say_that_nothing_happened(server: RawServer, reply: Iterator[bytes]) -> None:
    server.reply = reply
    with pytest.raises(AnswerBroken):
        ask(server, "POST")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "start", [b"", HEAD + b"X-A: ", HEAD + b"Content-Length: 99999\r\n\r\n", CHUNKED + b"9999\r\n"]
)
def test_an_answer_that_drips_meets_the_deadline(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    over = threading.Event()
    drops = itertools.takewhile(lambda _: not over.wait(0.02), itertools.repeat(b"1", 500))
    server.reply = itertools.chain([start], drops)
    monkeypatch.setattr(http, "DEADLINE_SECONDS", 0.2)
    with pytest.raises(NoAnswerInTime):
        ask(server, "POST")
    over.set()


def test_a_server_that_does_not_read_meets_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(NoAnswerInTime):
        http_connection.exchange(ours, "POST", b"x" * 10_000_000, 1, http_connection.Deadline(0.2))


def test_with_no_time_left_nothing_is_sent(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "DEADLINE_SECONDS", 0.0)
    with pytest.raises(ToolError, match="nothing was sent"):
        ask(server)
    assert server.requests == []


@pytest.mark.parametrize(
    ("host", "name", "trusted", "problem"),
    [
        ("api.example.com", "api.example.com", "api.example.com", ""),
        ("api.example.com", "api.example.com", "other.example.com", "self.signed certificate"),
        ("api.example.com", "other.example.com", "other.example.com", "Hostname mismatch"),
        ("old.example.com", "old.example.com", "old.example.com", "certificate has expired"),
    ],
)
def test_only_a_certificate_of_that_very_name_counts(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, certificates: Path, host: str, name: str, trusted: str,
    problem: str,
) -> None:  # fmt: skip
    with RawServer(context_of(certificates / f"{name}.pem")) as secure:
        monkeypatch.setenv("M1_HTTP_HOSTS", f"{host}:{secure.port}=127.0.0.0/8")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates / f"{trusted}.pem"))
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        call: tuple[Any, str] = ("GET", f"https://{host}:{secure.port}/")
        if problem:
            with pytest.raises(ToolError, match=rf"{problem}.*; nothing was sent\.$"):
                http.request(*call)
        else:
            assert http.request(*call)["body"] == "hello"
        assert len(secure.requests) == (not problem)


def test_https_is_never_spoken_in_clear(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_HTTP_HOSTS", f"api.example.com:{server.port}=127.0.0.0/8")
    monkeypatch.setattr(http, "DEADLINE_SECONDS", 0.2)
    with pytest.raises(ToolError, match="nothing was sent"):
        http.request("GET", f"https://api.example.com:{server.port}/")
    assert (server.connections, server.requests) == (1, [])


def run(url: str, environment: dict[str, str], function: str = "request") -> Result:
    tool = registry.load(["policy.tools.http"])["http.request"]
    arguments = json.dumps({"method": "POST", "url": url, "body": "x"}).encode()
    return running.run(
        tool, function, arguments, request_id=REQUEST, limits=LIMITS, environment=environment, beat=lambda: True
    )


def test_in_the_sandbox_it_keeps_its_promises(certificates: Path, tmp_path: Path) -> None:
    certificate(tmp_path, "localhost")
    with RawServer(context_of(tmp_path / "localhost.pem")) as server:
        url = f"https://localhost:{server.port}/x"
        listed = {"M1_HTTP_HOSTS": f"localhost:{server.port}=127.0.0.0/8+::1/128"}
        trusting = {**os.environ, **listed, "SSL_CERT_FILE": str(tmp_path / "localhost.pem")}
        done = run(url, trusting)
        assert (json.loads(done.output)["body"], len(server.requests)) == ("hello", 1)
        assert f"Idempotency-Key: {REQUEST}\r\n".encode() in server.requests[0]
        assert json.loads(run(url, listed, "preview_request").output)["kind"] == "message"
        strange = run(url, {**listed, "SSL_CERT_FILE": str(certificates / "api.example.com.pem")})
        assert (strange.error_code, strange.error.endswith("nothing was sent.")) == ("tool_error", True)
        server.reply = []
        broken = run(url, trusting)
        assert (broken.error_code, broken.error) == ("crashed", "The tool failed with AnswerBroken.")
        assert len(server.requests) == 2
