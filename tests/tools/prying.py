"""Tools that look for what other tools, the nanny and the worker know, or stand in the nanny's way."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time

from policy.declare import Answer, tool

PTRACE_SEIZE, PIDFD_GETFD = 0x4206, 438
CANARY = re.compile(rb"canary-[0-9a-f]{32}")


@tool("prying.hold", headline="Hold {note}", risk="low", environment=("M1_TEST_GRANTED",))
def hold(note: str) -> Answer:
    """Tell whose child it is, and which process it is."""
    return {"nanny": os.getppid(), "tool": os.getpid()}


@tool("prying.remember", headline="Remember", risk="low")
def remember() -> Answer:
    """Count the canaries in its own memory."""
    found: set[bytes] = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", maps.read(), re.MULTILINE):
            memory.seek(int(start, 16))
            found |= set(CANARY.findall(memory.read(int(end, 16) - int(start, 16))))
    return {"found": len(found)}


@tool("prying.open", headline="Pry", risk="low")
def pry() -> Answer:
    """Try every door to the nanny's memory and descriptors; return those that opened."""
    nanny = os.getppid()
    opened = []
    for name in ("mem", "environ", "maps", "fd/0", "cwd/.."):
        try:
            os.close(os.open(f"/proc/{nanny}/{name}", os.O_RDWR if name == "mem" else os.O_RDONLY))
            opened.append(name)
        except OSError:
            continue
    libc = ctypes.CDLL(None)
    if libc.ptrace(PTRACE_SEIZE, nanny, 0, 0) == 0:
        opened.append("ptrace")
    if libc.syscall(PIDFD_GETFD, os.pidfd_open(nanny), 3, 0) >= 0:
        opened.append("pidfd_getfd")
    return {"opened": opened}


@tool("prying.shown", headline="Show", risk="low", environment=("M1_TEST_GRANTED",))
def shown() -> Answer:
    """Return what the kernel shows others of its environment."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
        return {"shown": [part.decode() for part in file.read().split(b"\0") if part]}


@tool("prying.stop_nanny", headline="Stop the nanny", risk="low")
def stop_nanny() -> Answer:
    """Stop the nanny, so that it answers nobody, with an orphan in a session of its own standing by."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(300)
        os._exit(0)
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(300)
    return {}
