"""A server on the loopback that writes down each request byte by byte and answers with whatever bytes it is told."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def answer(status: str, *headers: str, body: bytes = b"") -> list[bytes]:
    """Return an answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return ["\r\n".join(lines).encode("latin-1") + body]


class RawServer(socketserver.ThreadingTCPServer):
    """Answers every request with `reply`, the connection being closed after it; `requests` is what came."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.requests: list[bytes] = []
        self.connections = 0
        self.reply: Iterable[bytes] = answer("200 OK", "Content-Type: text/plain", body=b"hello")
        self._context = context
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[Any, Any]:
        """Take a connection and, where there is a certificate, shake hands."""
        connection, address = super().get_request()
        self.connections += 1
        return (self._context.wrap_socket(connection, server_side=True) if self._context else connection), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: a client that goes away is what some tests are about."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: RawServer

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (line := self.rfile.readline()):
                return
            head += line
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
        self.server.requests.append(head + self.rfile.read(int(lengths[0]) if lengths else 0))
        with suppress(OSError):
            for piece in self.server.reply:
                self.wfile.write(piece)
            self.connection.shutdown(socket.SHUT_WR)


def certificate(folder: Path, name: str, *, expired: bool = False) -> Path:
    """Return a file with a new certificate for a host name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if expired else 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def context_of(file: Path) -> ssl.SSLContext:
    """Return what a server needs to speak TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
