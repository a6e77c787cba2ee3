"""Run a program whose clock is wrong: python -m tests.faults.shifted SECONDS MODULE [ARGUMENT]...

SIGUSR2 sets that clock back by as much as it was ahead, and again: as an operator or a time server does while it runs.
"""

import runpy
import signal
import sys
import time

import time_machine


def main() -> None:
    """Shift the time of this process and of all that it forks, then become the program."""
    seconds, module, *arguments = sys.argv[1:]
    shift(float(seconds))
    signal.signal(signal.SIGUSR2, lambda *_: shift(-2 * float(seconds)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def shift(seconds: float) -> None:
    """Let the clock of this process go on from another time."""
    time_machine.travel(time.time() + seconds).start()


if __name__ == "__main__":
    main()
