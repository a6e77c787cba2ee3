"""Run one tool in a child process, under limits, with nothing of this process but what the tool declared.

The child gets its arguments, the environment variables its declaration names and `M1_REQUEST_ID`, an empty directory,
and no descriptor, capability or memory of the worker. Whatever it starts dies with it, and it dies with the worker.
It is a fence against accidents and against data that steers a tool, not against a tool's own author.
"""

from __future__ import annotations

import json
import logging
import selectors
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from agents.errors import AgentsError
from agents.sandbox.answer import NOT_BEGUN, Ending, failed, result_of
from agents.sandbox.environment import UnusableVariable, granted
from agents.sandbox.process import Child, Stream, started
from agents.sandbox.redaction import with_keyed_digest, without_secrets
from agents.sandbox.values import NOISE_BYTES, Limits, Result
from policy.registry import Definition

__all__ = ["Limits", "Result", "StillAliveError", "run"]

BEAT_SECONDS = 1.0
PROTOCOL_BYTES = 10_000
"""Room for the protocol's own words, and for an error message, beside the result."""

TAIL_BYTES = 2_000
logger = logging.getLogger(__name__)


class StillAliveError(AgentsError):
    """Not every process of the tool could be killed: something of it may still run."""

    code = "not_confirmed_dead"


def run(
    definition: Definition,
    function: str,
    arguments: bytes,
    *,
    request_id: str,
    limits: Limits,
    environment: Mapping[str, str],
    beat: Callable[[], bool],
    begin_by: float | None = None,
) -> Result:
    """Run the tool's function (or its preview) and return what came of it; its processes are dead by then.

    arguments    canonical JSON of an object, as approved
    environment  where the variables that the tool declared are taken from; `NAME_FILE` names a file with the value
    beat         called about every second while the tool runs; False stops it (`cancelled`), and so does an exception,
                 which is then raised
    begin_by     the second of CLOCK_BOOTTIME from which on the tool must not begin any more (`not_begun`)
    Raises StillAliveError where they are not dead for certain.
    """
    if function not in (definition.function, definition.preview):
        raise ValueError(f"{definition.name} has no function {function!r}")
    try:
        variables = granted(definition, environment) | {"M1_REQUEST_ID": request_id}
    except UnusableVariable as exc:
        return failed("tool_error", f"{exc}; the tool was not started.")
    size = limits.output_bytes + PROTOCOL_BYTES
    answer, noise = Stream(-1, size, first=size), Stream(-1, NOISE_BYTES, last=TAIL_BYTES)
    with started(_order(definition, function, arguments, limits, variables, begin_by), answer, noise) as child:
        reason = _watch(child, time.monotonic() + limits.seconds, beat)
        ending = Ending(reason, child.stop(), answer, noise)
        if not child.is_dead:
            raise StillAliveError
        _drain(ending)
    result = without_secrets(result_of(ending, limits), definition, variables, arguments)
    if definition.sensitive_results:
        result = with_keyed_digest(result, request_id)
    _log(definition, request_id, ending, result, variables)
    return result


def _order(
    definition: Definition,
    function: str,
    arguments: bytes,
    limits: Limits,
    variables: Mapping[str, str],
    begin_by: float | None,
) -> bytes:
    order = {
        "begin_by": begin_by,
        "environment": variables,
        "module": definition.module,
        "function": function,
        "paths": _paths(tuple(sys.path)),
        "limits": limits.as_rlimits(),
        "output_bytes": limits.output_bytes,
        "show_head": not definition.sensitive_results,
    }
    return json.dumps(order).encode() + b"\n" + arguments


@cache
def _paths(given: tuple[str, ...]) -> list[str]:
    return [str(Path(path).absolute()) for path in given if Path(path).exists()]


def _watch(child: Child, deadline: float, beat: Callable[[], bool]) -> str:
    """Read until the child has ended; return "", or why it must be stopped."""
    next_beat = time.monotonic() + BEAT_SECONDS
    with selectors.DefaultSelector() as selector:
        for source, stream in ((child.ended, None), (child.answer.fd, child.answer), (child.noise.fd, child.noise)):
            selector.register(source, selectors.EVENT_READ, stream)
        while True:
            now = time.monotonic()
            if now >= deadline:
                return "timeout"
            if now >= next_beat:
                if not beat():
                    return "cancelled"
                next_beat = now + BEAT_SECONDS
            if (reason := _react(selector, min(deadline, next_beat) - now)) is not None:
                return reason


def _react(selector: selectors.BaseSelector, seconds: float) -> str | None:
    """Wait for what comes next; return "" if the child has ended, "output_limit" if it said too much, else None."""
    for key, _ in selector.select(max(0.0, seconds)):
        stream: Stream | None = key.data
        if stream is None:
            return ""
        if not stream.read():
            selector.unregister(key.fd)
        if stream.is_over:
            return "output_limit"
    return None


def _drain(ending: Ending) -> None:
    """Read what the child had said before it ended."""
    for stream in (ending.answer, ending.noise):
        while not stream.is_over and stream.read():
            pass


def _log(definition: Definition, request_id: str, ending: Ending, result: Result, variables: Mapping[str, str]) -> None:
    """Write how a failed tool ended, and the end of what it printed, unless that could tell a secret."""
    if result.ok or result.error_code in ("tool_error", "cancelled", NOT_BEGUN):
        return
    tail = ending.noise.tail.decode("utf-8", "replace")
    for name, value in variables.items():
        tail = tail.replace(value, f"[{name}]") if value else tail
    if definition.sensitive_arguments or definition.sensitive_results:
        tail = "[withheld: the tool handles sensitive fields]"
    facts = {"tool": definition.name, "request_id": request_id, "error_code": result.error_code, "printed": tail}
    logger.warning("tool failed: %s", json.dumps(facts))
