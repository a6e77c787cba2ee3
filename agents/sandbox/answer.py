"""From what a child process left behind to a Result."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from agents.sandbox.process import Stream
from agents.sandbox.values import NOISE_BYTES, Limits, Result
from audit import canonical
from audit.errors import MalformedJSONError, NotCanonicalError
from policy.reveal import reveal

ERROR_CHARACTERS = 2_000
NOT_BEGUN = "not_begun"
_CUT = re.compile(rb"(\d{1,15}) ([0-9a-f]{64})\n(.{0,2000})", re.DOTALL)
_SIGNALLED = 128
"""The nanny ends with this plus the number of the signal that killed the tool."""


@dataclass(frozen=True)
class Ending:
    """How a tool's process ended.

    reason   "" by itself, or why it was stopped: timeout, cancelled, output_limit
    status   the nanny's exit status
    """

    reason: str
    status: int
    answer: Stream
    noise: Stream


def result_of(ending: Ending, limits: Limits) -> Result:
    """Return what came of the call; an answer counts only if the process ended well after giving it."""
    if ending.answer.is_over:
        return _too_much(ending.answer, limits)
    if ending.status == 0:  # it had finished, even if somebody was about to stop it
        word, _, rest = bytes(ending.answer.head).partition(b"\n")
        return _spoken(word, rest, limits)
    return failed(*_stopped(ending, limits))


def _stopped(ending: Ending, limits: Limits) -> tuple[str, str]:
    """Return code and sentence for a tool that did not come to its end."""
    if ending.noise.is_over:
        return "output_limit", f"The tool printed more than {NOISE_BYTES:,} bytes and was stopped."
    if ending.reason == "timeout":
        return "timeout", f"The tool did not finish within {limits.seconds:g} seconds and was stopped."
    if ending.reason == "cancelled":
        return "cancelled", "The call was cancelled; the tool was stopped."
    if ending.status == _SIGNALLED + signal.SIGXCPU:
        return "cpu", f"The tool used more than {limits.cpu_seconds} seconds of processor time and was stopped."
    if ending.status > _SIGNALLED:
        return "crashed", f"The tool was killed by signal {ending.status - _SIGNALLED}."
    return "crashed", "The tool ended without a result."


def failed(code: str, error: str) -> Result:
    """Return the Result of a call that has no output."""
    return Result(False, "", 0, "", False, code, reveal(error[:ERROR_CHARACTERS])[:ERROR_CHARACTERS])


def not_begun() -> Result:
    """Return the Result of a call whose tool has not run."""
    return failed(NOT_BEGUN, "The call was stopped, or its worker held up, before the tool began: it has not run.")


def _spoken(word: bytes, rest: bytes, limits: Limits) -> Result:
    """Return what the tool's own words say."""
    match word:
        case b"ok":
            return _checked(rest, limits)
        case b"truncated" if cut := _CUT.fullmatch(rest):
            return _cut(int(cut[1]), cut[2].decode(), cut[3])
        case b"tool_error":
            return failed("tool_error", rest.decode("utf-8", "replace") or "The tool refused, and did not say why.")
        case b"unfinished":
            return failed("unfinished", rest.decode("utf-8", "replace") or "The tool could not finish.")
        case b"late":
            return not_begun()
        case b"memory":
            return failed("memory", f"The tool needed more than {limits.memory_mb} MiB of memory.")
        case b"not_json":
            return failed("not_json", "The tool returned something that is not JSON.")
        case b"crashed":
            return failed("crashed", f"The tool failed with {rest.decode('ascii', 'replace')}.")
        case _:
            return failed("crashed", "The tool ended without a result.")


def _checked(data: bytes, limits: Limits) -> Result:
    """Return the result in canonical form: what the child says is parsed as strictly as what the world says."""
    try:
        bounds = canonical.Limits(bytes=limits.output_bytes, keys=limits.output_bytes)
        text = canonical.encode(canonical.parse(data, limits=bounds))
    except (MalformedJSONError, NotCanonicalError) as exc:
        return failed("not_json", f"The tool returned what M1 does not accept as JSON: {exc.facts['reason']}.")
    return Result(True, text.decode(), len(text), canonical.digest(text), False, "", "")


def _cut(size: int, sha256: str, head: bytes) -> Result:
    """Return the note that stands for a result too large to keep; the tool has run, and the digest proves its words."""
    shown = head.decode("utf-8", "ignore").replace("\0", "\ufffd")
    note = canonical.encode({"truncated": True, "bytes": size, "sha256": sha256, "head": shown})
    return Result(True, note.decode(), size, sha256, True, "", "")


def _too_much(answer: Stream, limits: Limits) -> Result:
    error = f"The tool wrote more than {limits.output_bytes:,} bytes past its result and was stopped."
    return Result(False, "", answer.size, answer.digest.hexdigest(), True, "output_limit", error)
