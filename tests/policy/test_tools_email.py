"""E-mail is sent as it was shown, once per request by its Message-ID, and no value smuggles a header in."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.sandbox import running
from agents.sandbox.running import Limits, Result
from policy import registry
from policy.tools.email import preview_send

SEND = registry.load(["policy.tools.email"])["email.send"]
LIMITS = Limits(seconds=30, cpu_seconds=20, memory_mb=512, output_bytes=64_000, open_files=64)
REQUEST = str(uuid4())
FROM = "m1@example.org"


def send(url: str, function: str = "send", sender: str = FROM, **changes: Any) -> Result:
    arguments = {"to": ["ann@example.org", "bob@example.org"], "subject": "May", "body": "Hi,\nhere it is.\n"} | changes
    return running.run(
        SEND, function, json.dumps(arguments).encode(), request_id=REQUEST, limits=LIMITS,
        environment={"M1_EMAIL_URL": url, "M1_EMAIL_FROM": sender}, beat=lambda: True,
    )  # fmt: skip


def mails(folder: Path) -> list[EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*"))]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def test_a_message_arrives_as_the_preview_shows_it(tmp_path: Path) -> None:
    url = f"filemail://{tmp_path}"
    shown = json.loads(send(url, "preview_send").output)
    assert mails(tmp_path) == []
    result = send(url)
    message_id = f"<{REQUEST}@example.org>"
    assert json.loads(result.output) == {
        "message_id": message_id, "to": ["ann@example.org", "bob@example.org"], "from": FROM,
    }  # fmt: skip
    (mail,) = mails(tmp_path)
    headers = {name: mail[name] for name in ("From", "To", "Subject", "Message-ID")}
    assert headers == {
        "From": FROM, "To": "ann@example.org, bob@example.org", "Subject": "May", "Message-ID": message_id,
    }  # fmt: skip
    lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
    assert shown == {
        "kind": "message",
        "summary": "One message to 2 recipients, 16 characters",
        "body": f"{lines}\n\nHi,\nhere it is.\n",
    }
    assert mail.get_content().startswith("Hi,\nhere it is.\n")


def test_text_beyond_ascii_arrives(tmp_path: Path) -> None:
    assert send(f"filemail://{tmp_path}", subject="Größe — שלום", body="Здравствуйте 👋\n").ok
    (mail,) = mails(tmp_path)
    assert mail["Subject"] == "Größe — שלום"
    assert mail.get_content().startswith("Здравствуйте 👋\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\nBcc: eve@evil.example"},
        {"subject": "x\r\nBcc: eve@evil.example"},
        {"subject": "x\rBcc: eve@evil.example"},
        {"subject": "x\u2028Bcc: eve@evil.example"},
        {"subject": "x\x00y"},
        {"subject": "x\x0bBcc: eve@evil.example"},
        {"subject": "x\x85Bcc: eve@evil.example"},
        {"to": ["ann@example.org\nBcc: eve@evil.example"]},
        {"to": ["ann@example.org\n"]},
        {"to": ["ann@example.org, eve@evil.example"]},
        {"to": ["Ann <eve@evil.example>"]},
        {"to": ["<ann@example.org>"]},
        {"to": ['"ann@example.org" <eve@evil.example>']},
        {"to": ["ann"]},
        {"to": [""]},
        {"to": ["ann@"]},
        {"to": ["ann@example.org", "ANN@example.org"]},
        {"sender": "M1 <m1@example.org>"},
        {"sender": "m1@example.org\nBcc: eve@evil.example"},
        {"sender": ""},
    ],
)
def test_what_would_smuggle_a_header_or_a_recipient_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    result = send(f"filemail://{tmp_path}", **changes)
    assert result.error_code == "tool_error"
    assert mails(tmp_path) == []


def test_a_body_that_looks_like_headers_stays_a_body(tmp_path: Path) -> None:
    assert send(f"filemail://{tmp_path}", body="\nBcc: eve@evil.example\n\n.\nMAIL FROM:<x>\n").ok
    (mail,) = mails(tmp_path)
    assert "Bcc" not in mail
    assert "eve@evil.example" in mail.get_content()


@pytest.mark.parametrize("url", ["", "nonsense", "dummymail://", "memorymail://", "http://127.0.0.1:9/", "/tmp/x"])
def test_a_server_address_that_would_lose_the_message_is_refused(url: str) -> None:
    result = send(url)
    assert (result.error_code, "M1_EMAIL_URL" in result.error) == ("tool_error", True)


def test_without_a_request_id_there_is_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_EMAIL_FROM", FROM)
    monkeypatch.delenv("M1_REQUEST_ID", raising=False)
    with pytest.raises(Exception, match="M1_REQUEST_ID"):
        preview_send(["ann@example.org"], "x", "y")


class MailServer(socketserver.ThreadingTCPServer):
    """An SMTP server of a few words; `answers` overrides what it says to a command, "" closes the connection."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailSession)
        self.answers: dict[str, str] = {}
        self.messages: list[str] = []


class MailSession(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            command = line.decode().split()[0].upper()
            answer = self.server.answers.get(command, "354 go on" if command == "DATA" else "250 ok")
            if answer.startswith("354"):
                self.wfile.write(b"354 go on\r\n")
                self.server.messages.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                answer = self.server.answers.get("END", "250 ok")
            if not answer:
                return
            self.wfile.write(f"{answer}\r\n".encode())


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url_of(server: MailServer) -> str:
    return f"smtp://127.0.0.1:{server.server_address[1]}"


def test_a_message_goes_out_by_smtp(server: MailServer) -> None:
    assert send(url_of(server)).ok
    (message,) = server.messages
    assert f"Message-ID: <{REQUEST}@example.org>" in message


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA", "END"])
def test_a_refusal_of_the_server_says_that_nothing_was_sent(server: MailServer, command: str) -> None:
    server.answers = {command: "550 no", "HELO": "550 no"}
    result = send(url_of(server))
    assert result.error_code == "tool_error"
    assert result.error.endswith("nothing was sent.")


def test_a_connection_lost_after_the_message_is_not_called_a_refusal(server: MailServer) -> None:
    server.answers = {"END": ""}
    result = send(url_of(server))
    assert result.error_code == "crashed"
    assert len(server.messages) == 1


def test_a_server_that_is_not_there_is_told(server: MailServer) -> None:
    url = url_of(server)
    server.server_close()
    result = send(url)
    assert (result.error_code, "nothing was sent" in result.error) == ("tool_error", True)
