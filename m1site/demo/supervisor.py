"""`make demo`: all of M1 on one machine, in the processes and with the keys that a real deployment has, under one hand.

The supervisor holds no Django: it prepares the data in processes of their own, starts the roles, watches them, and
stops them. It is their parent in the kernel's eyes, too, so that nothing is left when it is killed.
"""

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from audit.errors import M1Error
from m1site import notify_setting
from m1site.demo import door, environment, keys, roles, words, workspace
from m1site.demo.environment import Facts
from m1site.demo.errors import DemoError
from m1site.demo.place import ROOT, Place
from m1site.demo.processes import Child, last_line, stop_all
from m1site.demo.redis_server import RedisServer
from m1site.env import Settings

DIRECTORY = ROOT / "var" / "demo"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WEB_SECONDS = 60
STOP_SECONDS = 3.5  # Ctrl-C has an end within five, however busy the machine is
LOOK_SECONDS = 0.2
GIVE_UP_AFTER = 3  # failures in a row before the web has answered once


class Supervisor:
    """The demo in one place, from the first process to the last."""

    def __init__(
        self,
        place: Place,
        listening: Sequence[socket.socket],
        lock: int,
        model: dict[str, str],
        notify: dict[str, str] | None = None,
    ) -> None:
        self.place, self.listening, self.lock, self.model = place, listening, lock, model
        self.notify = notify or {}
        self.port = door.port_of(listening)
        self.url = f"http://localhost:{self.port}"
        self.redis: RedisServer | None = None
        self.children: list[Child] = []

    def begin(self) -> None:
        """Bring everything up, and say how to go on. Raises DemoError."""
        self.place.make()
        is_first = not self.place.ready.exists()
        if is_first:
            workspace.fill(self.place.workspace)
        facts = self._facts()
        roles.prepare("install", role="", facts=facts, lock=self.lock)
        claude = "yes" if self.model else "no"
        told = json.loads(roles.prepare("seed", claude, role="web", facts=facts, lock=self.lock))
        self._start(facts)
        self._await_web()
        say(f"\n{words.people(told.pop('passwords'))}\n")
        say(f"{words.running(self.url, self.place, told, bool(self.model))}\n")
        self.place.ready.touch(mode=0o600)

    def watch(self) -> NoReturn:
        """Start again what ends, until a signal comes."""
        while True:
            time.sleep(LOOK_SECONDS)
            if self.redis and self.redis.process.poll() is not None:
                self._start_over()
            self._look_after()

    def stop(self) -> None:
        """Leave nothing running; the broker goes last, so that the others can hand back what they hold."""
        stop_all(self.children, STOP_SECONDS)
        if self.redis:
            self.redis.stop()

    def _facts(self) -> Facts:
        self.redis = RedisServer.start(self.place.redis)
        address = self.redis.url.removesuffix("/0")
        return Facts(self.place, keys.load(self.place.secrets), self.url, address, self.model, self.notify)

    def _start(self, facts: Facts) -> None:
        self.children = roles.children(facts, self.listening, self.lock)
        for child in self.children:
            child.start()

    def _start_over(self) -> None:
        """Give everybody the address of a new broker; what the old one held, the outbox sends again."""
        say("redis ended; everything starts again with a new one")
        stop_all(self.children, STOP_SECONDS)
        self._start(self._facts())

    def _look_after(self) -> None:
        for child in self.children:
            if told := child.look_after():
                say(f"{told}; see {self.place.shown(child.log)}")

    def _await_web(self) -> None:
        deadline = time.monotonic() + WEB_SECONDS
        while not door.answers(self.port):
            self._look_after()
            for child in self.children:
                if child.failures >= GIVE_UP_AFTER or time.monotonic() > deadline:
                    raise DemoError(why=f"{child.name} does not start: {last_line(child.log)} (see {child.log})")
            time.sleep(LOOK_SECONDS)


def main(reset: bool = False, port: int | None = None, directory: Path = DIRECTORY) -> None:
    """Run the demo until Ctrl-C.

    reset   begin afresh: what an earlier demo made is removed
    port    None takes M1_DEMO_PORT, else 8000, and the next free one where that is taken; 0 takes any
    """
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        run(reset, settings_port() if port is None else port, Place.at(directory.resolve()))
    except KeyboardInterrupt:
        say("stopped; `make demo` goes on from here")
    except M1Error as exc:
        sys.exit(f"m1: {exc}")


def run(reset: bool, port: int, place: Place) -> None:
    """Hold the place, serve until interrupted, and clean up whatever happens."""
    model, notify = model_settings(), notify_settings()
    environment.let_go()
    with ExitStack() as stack:
        lock = stack.enter_context(place.locked())
        if reset or not place.ready.exists():  # what was never finished showed nobody its passwords
            place.clear()
        listening = [stack.enter_context(one) for one in door.listen(port)]
        if port and door.port_of(listening) != port:
            say(f"port {port} is taken; the demo takes {door.port_of(listening)}")
        say("preparing the demo ...")
        supervisor = Supervisor(place, listening, lock, model, notify)
        stack.callback(supervisor.stop)
        supervisor.begin()
        supervisor.watch()


def settings_port() -> int:
    """Return the port that the user asks for."""
    return Settings().number("M1_DEMO_PORT", default=8000, at_least=1, at_most=65535)


def model_settings() -> dict[str, str]:
    """Return how to reach the model, for the planner alone; nothing without a key."""
    settings = Settings()
    values = {name: settings.str(name, default="") for name in environment.TO_REACH_THE_MODEL}
    return {name: value for name, value in values.items() if value} if values["ANTHROPIC_API_KEY"] else {}


def notify_settings() -> dict[str, str]:
    """Return whom to tell, and how to reach them, for the one worker that does; nothing without addresses.

    A bad address stops the start here, with one line, not in a worker that starts again and again.
    """
    settings = Settings()
    settings.parsed(environment.NOTIFY_URLS, notify_setting.parse)
    values = {name: settings.str(name, default="") for name in (environment.NOTIFY_URLS, *environment.TO_REACH)}
    return {name: value for name, value in values.items() if value} if values[environment.NOTIFY_URLS] else {}


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Stop, once: whoever is impatient must not break off the stopping."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    with suppress(OSError):  # past print, which may be in the middle of a line and takes no second one
        os.write(1, b"\nstopping ...\n")
    raise KeyboardInterrupt


def say(text: str) -> None:
    """Print at once; a terminal that is gone changes nothing."""
    with suppress(OSError):
        print(text, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The whole of M1 on this machine, with its own SQLite database.")
    parser.add_argument("--reset", action="store_true", help="begin afresh")
    parser.add_argument("--port", type=int, help="default: M1_DEMO_PORT, else 8000")
    options = parser.parse_args()
    main(options.reset, options.port)
