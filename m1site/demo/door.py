"""The demo's address: sockets that the supervisor opens, and the web process serves. Nobody takes them in between."""

import errno
import http.client
import socket
from collections.abc import Sequence

from m1site.demo.errors import DemoError

LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))  # a browser may ask either for `localhost`
PORTS_TRIED = 50
NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


def listen(port: int) -> list[socket.socket]:
    """Return sockets of loopback that listen on the port, or on the next free one; 0 is any. Raises DemoError."""
    for candidate in range(port, min(port + PORTS_TRIED, 65536)) if port else [0] * PORTS_TRIED:
        try:
            return _listen(candidate)
        except PermissionError:
            raise DemoError(why=f"port {port} is for root only; choose another: M1_DEMO_PORT=8000 make demo") from None
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise
    raise DemoError(why=f"no port from {port} on is free; choose another: M1_DEMO_PORT=9000 make demo")


def port_of(listening: Sequence[socket.socket]) -> int:
    """Return the port that the sockets share."""
    port: int = listening[0].getsockname()[1]
    return port


def answers(port: int) -> bool:
    """Tell whether the web process serves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listen(port: int) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for family, address in LOOPBACK:
            try:
                opened.append(socket.create_server((address, port_of(opened) if opened else port), family=family))
            except OSError as exc:
                if family == socket.AF_INET or exc.errno not in NO_SUCH_ADDRESS:
                    raise
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened
