"""What M1 asks of its connections to PostgreSQL, so that a process or a host that freezes holds up nobody for long."""

from typing import Any

PREPARE_AFTER = 3
IDLE_SECONDS = 20
"""A transaction that does nothing for so long is ended by the server: its process is frozen, or its host is gone, and
somebody waits for the row that it has locked. M1's own transactions think for a second at most."""

UNREACHABLE_SECONDS = 20


def options(given: dict[str, Any], *, prepare: bool) -> dict[str, Any]:
    """Return the driver's options; what the address names wins.

    prepare   the server plans each statement once
    """
    asked: dict[str, Any] = {
        "connect_timeout": 5,
        "keepalives_idle": UNREACHABLE_SECONDS // 2,
        "keepalives_interval": UNREACHABLE_SECONDS // 4,
        "keepalives_count": 2,
        "tcp_user_timeout": UNREACHABLE_SECONDS * 1_000,
        "options": f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
    }
    if prepare:
        asked |= {"server_side_binding": True, "prepare_threshold": PREPARE_AFTER}
    return asked | given
