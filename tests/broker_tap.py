"""Everything that passes through a Redis server, as MONITOR tells it."""

import base64
import binascii
import re
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")


class BrokerTap:
    """Listens from `with` on. Bodies of messages are base64 inside; `text` has them in clear as well."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "", address.port or 0))
        self._socket.sendall(f"AUTH {address.password}\r\nMONITOR\r\n".encode())
        self._heard = bytearray()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def text(self) -> str:
        """Return what passed by until now."""
        heard = bytes(self._heard)
        return "\n".join([heard.decode(errors="replace"), *map(_decoded, _BASE64.findall(heard))])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while chunk := self._socket.recv(65_536):
            self._heard += chunk


def _decoded(run: bytes) -> str:
    try:
        return base64.b64decode(run, validate=True).decode(errors="replace")
    except binascii.Error:
        return ""
