"""What runs in the child process: a nanny, and under it the tool.

Started as a script by `agents.sandbox_process`; imports the standard library only, since its imports are the start-up
time of every tool call. The nanny adopts every descendant, so that nothing the tool starts can outlive it: neither in
a session of its own, nor when the worker is killed with -9.

The tool's answer goes to a descriptor of its own: a word, a line break, and what belongs to the word.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
CAPABILITY_VERSION_3 = 0x20080522
HEAD_BYTES = 2_000
MESSAGE_BYTES = 8_000

libc = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    """Nurse one tool: start it, wait for its end, leave no process behind, and end the way it ended."""
    result, worker, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.set_inheritable(result, False)
    signal.signal(signal.SIGTERM, lambda *_: end_all(worker, directory))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a worker may ignore it, and then there is nothing to wait for
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control(PR_SET_CHILD_SUBREAPER, 1)
    give_up_privileges()
    die_with(worker, signal.SIGTERM)
    nanny = os.getpid()
    tool = os.fork()
    if tool == 0:
        become_tool(result, nanny)
    _, status = os.waitpid(tool, 0)
    kill_descendants()
    if os.WIFSIGNALED(status):
        os._exit(128 + os.WTERMSIG(status))
    os._exit(1 if os.WEXITSTATUS(status) else 0)


def control(option: int, value: int) -> None:
    """Call prctl(2) or fail."""
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def give_up_privileges() -> None:
    """Keep no capability and gain none: a worker that is root is then beyond a tool's reach, its memory included."""
    control(PR_SET_NO_NEW_PRIVS, 1)
    if libc.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


def die_with(parent: int, number: int) -> None:
    """Have the kernel send a signal when the parent dies; leave if it already has."""
    control(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def end_all(worker: int, directory: str) -> NoReturn:
    """Kill the tool and everything below it; a worker that is gone cannot clean up, so the directory goes too."""
    kill_descendants()
    if os.getppid() != worker:
        os.chdir("/")
        os.execv("/bin/rm", ["rm", "-rf", "--", directory])  # noqa: S606 - fixed words and a path of our own
    os._exit(1)


def kill_descendants() -> None:
    """Kill until none is left: whoever loses its parent meanwhile becomes the nanny's own child.

    By process group, since the kernel kills a group at one stroke while its members go on forking, and one by one.
    """
    own = os.getpgrp()
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            for process, group in descendants().items():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    if group != own:
                        os.killpg(group, signal.SIGKILL)
            os.waitpid(-1, 0)


def descendants() -> dict[int, int]:
    """Return the processes below this one, with their groups, as far as /proc can tell at this instant."""
    found: dict[int, int] = {}
    family = dict(filter(None, map(kin, filter(str.isdigit, os.listdir("/proc")))))  # noqa: PTH208 - pathlib costs 10 ms
    above = {os.getpid()}
    while above:
        below = {process: group for process, (parent, group) in family.items() if parent in above}
        found |= below
        above = set(below)
    return found


def kin(process: str) -> tuple[int, tuple[int, int]] | None:
    """Return a process with its parent and its group; None when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat", "rb") as stat:  # noqa: PTH123 - as above
        _, parent, group = stat.read().rpartition(b")")[2].split(maxsplit=3)[:3]
        return int(process), (int(parent), int(group))
    return None


def become_tool(result: int, nanny: int) -> NoReturn:
    """Run the tool and report; whatever happens, this process ends here."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        die_with(nanny, signal.SIGKILL)
        answer = attempt()
        while answer:
            answer = answer[os.write(result, answer) :]
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(0)
    finally:
        os._exit(1)


def attempt() -> bytes:
    """Return the answer of the tool, or the word for why there is none."""
    try:
        order, arguments = read_order()
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


def perform(order: dict[str, Any], arguments: dict[str, Any]) -> bytes:
    """Import the tool, call it, and put its answer into the words of the protocol."""
    sys.path[:] = order["paths"]
    function = getattr(importlib.import_module(order["module"]), order["function"])
    words = sys.modules["policy.declare"]
    try:
        value = function(**arguments)
    except words.ToolError as exc:
        return b"tool_error\n" + str(exc).encode("utf-8", "replace")[:MESSAGE_BYTES]
    except words.RetryableError as exc:
        return b"unfinished\n" + str(exc).encode("utf-8", "replace")[:MESSAGE_BYTES]
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        data = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as exc:
        return f"not_json\n{type(exc).__name__}".encode()
    return b"ok\n" + data if len(data) <= order["output_bytes"] else truncated(data, order["show_head"])


def truncated(data: bytes, show_head: bool) -> bytes:
    """Return size and digest of an answer that is too large, with its beginning where that may be shown."""
    sha256 = importlib.import_module("hashlib").sha256  # 5 ms that only this path needs
    head = data[:HEAD_BYTES] if show_head else b""
    return f"truncated\n{len(data)} {sha256(data).hexdigest()}\n".encode() + head


if __name__ == "__main__":
    main()
