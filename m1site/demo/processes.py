"""One process of the demo: it cannot outlive the supervisor, is watched, and starts again when it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from m1site.demo import pdeathsig
from m1site.demo.errors import DemoError
from m1site.demo.place import ROOT

STEADY_SECONDS = 30
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
PREPARE_SECONDS = 120


@dataclass
class Child:
    """A process that is to run for as long as the supervisor does.

    death_signal   what the kernel sends it when the supervisor has ended without a word
    keep_open      descriptors that it inherits
    failures       ends in a row, each soon after a start
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    keep_open: Sequence[int]
    death_signal: signal.Signals
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    start_at: float = 0.0

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C is for the supervisor, which stops its processes in order."""
        self.started_at = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                pdeathsig.wrap(self.command, self.death_signal),
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self.keep_open,
            )

    def look_after(self) -> str:
        """Start it when it is time to; return a sentence if it has ended since the last look, else ""."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return ""
        if self.process.poll() is None:
            return ""
        how = _how(self.process.returncode)
        self.kill()
        self.failures = 1 if now - self.started_at > STEADY_SECONDS else self.failures + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        self.start_at = now + pause
        return f"{self.name} ended ({how}); it starts again in {pause:g} s"

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process:
            self.process.terminate()

    def has_ended_by(self, deadline: float) -> bool:
        """Wait until it has ended, or the deadline has come."""
        with suppress(subprocess.TimeoutExpired):
            if self.process:
                self.process.wait(max(0.0, deadline - time.monotonic()))
        return self.process is None or self.process.returncode is not None

    def kill(self) -> None:
        """End it and all that is in its process group, without asking."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def stop_all(children: Sequence[Child], seconds: float) -> None:
    """Ask all to end, wait up to so many seconds in all, then end what is left."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + seconds
    for child in children:
        child.has_ended_by(deadline)
    for child in children:
        child.kill()


def run_once(command: Sequence[str], environment: Mapping[str, str], log: Path, keep_open: Sequence[int]) -> str:
    """Run a step to its end and return what it printed. Raises DemoError with the last line of its log."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            pdeathsig.wrap(command, signal.SIGKILL),
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            pass_fds=keep_open,
        )
    with process:
        try:
            printed, _ = process.communicate(timeout=PREPARE_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise DemoError(why=f"the set-up failed: {last_line(log)} (all of it is in {log})")
    return printed.decode()


def last_line(log: Path) -> str:
    """Return the last line of a log, "" if it has none."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else ""


def _how(returncode: int) -> str:
    return f"by signal {-returncode}" if returncode < 0 else f"with exit code {returncode}"
