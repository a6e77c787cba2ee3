"""What a tool may use, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1_048_576
NOISE_BYTES = 8 * MEBIBYTE
"""The most that a tool may print; what it prints is thrown away but for its end."""


@dataclass(frozen=True)
class Limits:
    """What one tool call may use.

    seconds       of the wall clock, start-up included
    cpu_seconds   of each process
    memory_mb     address space of each process, in mebibytes
    output_bytes  of the result as JSON; a larger result is cut, with size and digest
    open_files    of each process
    file_mb       the largest file that it may write, in mebibytes
    """

    seconds: float
    cpu_seconds: int
    memory_mb: int
    output_bytes: int
    open_files: int
    file_mb: int = 64

    def as_rlimits(self) -> dict[str, tuple[int, int]]:
        """Return soft and hard limit by the name of setrlimit(2); SIGXCPU comes first, and SIGKILL a second later."""
        memory, file = self.memory_mb * MEBIBYTE, self.file_mb * MEBIBYTE
        return {
            "RLIMIT_AS": (memory, memory),
            "RLIMIT_CPU": (self.cpu_seconds, self.cpu_seconds + 1),
            "RLIMIT_NOFILE": (self.open_files, self.open_files),
            "RLIMIT_FSIZE": (file, file),
            "RLIMIT_CORE": (0, 0),
        }


@dataclass(frozen=True)
class Result:
    """What a tool returned, or why it returned nothing.

    output         canonical JSON text; "" on error. Of a result that was too large it is the object
                   {"truncated": true, "bytes", "sha256", "head"}; `head` is "" for tools with sensitive results
    output_bytes   size of the whole result; where reading was broken off (output_limit), what was read until then
    output_digest  SHA-256 of exactly those bytes, "" where there are none; keyed where the tool's results are sensitive
    error_code     "" or tool_error, not_begun, unfinished, timeout, cancelled, memory, cpu, output_limit, not_json,
                   crashed
    error          one sentence for people and for the agent, without hidden characters

    With tool_error the tool says that it did nothing, with not_begun it never ran. With any other error it may have
    begun to act.
    """

    ok: bool
    output: str
    output_bytes: int
    output_digest: str
    truncated: bool
    error_code: str
    error: str
