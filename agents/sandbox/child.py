"""What runs as a tool's process, from the fork to its end; the nanny has made it: see `agents.sandbox.nanny`.

Imports the standard library, and the words in which tools are declared. The tool's answer goes to a descriptor of its
own: a word, a line break, and what belongs to the word.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from typing import Any, NamedTuple, NoReturn

from agents.sandbox.kin import PR_SET_DUMPABLE, control, die_with
from policy import declare

HEAD_BYTES = 2_000
MESSAGE_BYTES = 8_000
FIRST_OWN, MOST_OPEN = 3, 64
"""The descriptor for the answer, above the standard streams; every other below the second number is closed."""


class Place(NamedTuple):
    """Where a tool runs.

    directory   its own, empty
    room        address and size of what the kernel shows others of this process's environment
    """

    directory: str
    room: tuple[int, int]


def become_tool(place: Place, parent: int, descriptors: list[int]) -> NoReturn:
    """Run the tool and report; whatever happens, this process ends here."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        die_with(parent, signal.SIGKILL)
        control(PR_SET_DUMPABLE, 1)  # it may look at itself; it is forked from what nobody else may look at
        take(*descriptors)
        answer = attempt(place)
        while answer:
            answer = answer[os.write(FIRST_OWN, answer) :]
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(0)
    finally:
        os._exit(1)


def take(order: int, answer: int, noise: int) -> None:
    """Put the descriptors where a tool has them, and close all others, the nanny's among them."""
    for source, number in ((order, 0), (noise, 1), (noise, 2)):
        os.dup2(source, number)
    if answer != FIRST_OWN:
        os.dup2(answer, FIRST_OWN, inheritable=False)
    os.closerange(FIRST_OWN + 1, MOST_OPEN)


def attempt(place: Place) -> bytes:
    """Return the answer of the tool, or the word for why there is none."""
    try:
        order, arguments = read_order()
        settle(place, order["environment"])
        for name, (soft, hard) in order["limits"].items():
            resource.setrlimit(getattr(resource, name), (soft, hard))
        return perform(order, arguments)
    except MemoryError:
        return b"memory\n"
    except BaseException as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)  # to stderr: its text may hold secrets, its type does not
        return f"crashed\n{type(exc).__name__}".encode()


def read_order() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the order and the arguments, one line of JSON each; standard input is empty from here on."""
    with os.fdopen(os.dup(0), "rb") as stdin:
        order, arguments = stdin.read().split(b"\n", 1)
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)  # takes the lowest number, which is 0
    return json.loads(order), json.loads(arguments)


def settle(place: Place, environment: dict[str, str]) -> None:
    """Move into the tool's directory with the tool's environment, in which the kernel shows whose process it is."""
    os.chdir(place.directory)
    os.environ.update({**environment, "TMPDIR": place.directory})
    time.tzset()  # the zone may be among them
    start, size = place.room
    shown = os.fsencode(f"TMPDIR={place.directory}\0M1_REQUEST_ID={environment['M1_REQUEST_ID']}\0")
    ctypes.memset(start, 0, size)
    ctypes.memmove(start, shown, min(len(shown), size - 1))


def perform(order: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    """Import the tool, call it, and put its answer into the words of the protocol."""
    sys.path[:] = order["paths"]
    function = getattr(importlib.import_module(order["module"]), order["function"])
    if order["begin_by"] is not None and time.clock_gettime(time.CLOCK_BOOTTIME) >= order["begin_by"]:
        return b"late\n"  # all of us were frozen, and somebody may have been told that nobody is at it any more
    try:
        value = function(**arguments)
    except declare.ToolError as exc:
        return b"tool_error\n" + str(exc).encode("utf-8", "replace")[:MESSAGE_BYTES]
    except declare.RetryableError as exc:
        return b"unfinished\n" + str(exc).encode("utf-8", "replace")[:MESSAGE_BYTES]
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        data = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as exc:
        return f"not_json\n{type(exc).__name__}".encode()
    return b"ok\n" + data if len(data) <= order["output_bytes"] else truncated(data, order["show_head"])


def truncated(data: bytes, show_head: bool) -> bytes:
    """Return size and digest of an answer that is too large, with its beginning where that may be shown."""
    head = data[:HEAD_BYTES] if show_head else b""
    return f"truncated\n{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode() + head
