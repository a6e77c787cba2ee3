"""A demo in real processes, in a directory of its own, with its people and their browsers' cookies and forms."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.people import People
from tests.visitor import Visitor

START = """
import sys
from pathlib import Path
from m1site.demo import supervisor
supervisor.main(reset="--reset" in sys.argv, port=0, directory=Path(sys.argv[1]))
"""
PATIENCE_SECONDS = 60  # for a busy machine; nothing waits for it to pass
FOREIGN = {"AWS_SECRET_ACCESS_KEY": "foreign", "ANTHROPIC_API_KEY": "model-key", "M1_JWT_SECRET": "foreign"}


class DemoRun:
    """A supervisor that runs, started from an environment full of secrets."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(directory), *options],
            env=kept | FOREIGN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout
        self.printed = self.process.stdout
        self.said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.printed.close()

    def read_until(self, text: str) -> None:
        """Read what it prints until it has said this."""
        while text not in self.said:
            line = self.printed.readline()
            assert line, f"the demo ended: {self.said}"
            self.said += line

    @property
    def url(self) -> str:
        """Where it runs."""
        return re.findall(r"http://localhost:\d+", self.said)[0]

    @property
    def passwords(self) -> dict[str, str]:
        """What it printed on its first start: a password for each person."""
        return dict(re.findall(r"^    (\w+) +([a-z-]{19})  ", self.said, re.MULTILINE))

    def end_by(self, number: signal.Signals) -> str:
        """Send the supervisor a signal and return the rest of what it said."""
        self.process.send_signal(number)
        return self.the_end()

    def the_end(self) -> str:
        """Return the rest of what it said, once it has ended."""
        self.process.wait(PATIENCE_SECONDS)
        return self.printed.read()


class Browser:
    """What a person's browser does, without its scripts: cookies, redirects, forms."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """Return a page."""
        with self.opener.open(self.url + path, timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def submit(self, path: str, **values: str) -> str:
        """Fill the first form of a page that has hidden fields in, post it, and return the page that follows."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.get(path)))
        data = urlencode(hidden | values).encode()
        with self.opener.open(self.url + path, data, timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())


class DemoPeople(People):
    """The people of a demo, each with the session of one sign-in."""

    def __init__(self, demo: DemoRun, passwords: Mapping[str, str]) -> None:
        self._url, self._passwords = demo.url, passwords
        self._sessions: dict[str, Visitor] = {}

    def visitor(self, name: str) -> Visitor:
        """Return somebody who has signed in."""
        if name not in self._sessions:
            self._sessions[name] = visitor = Visitor(self._url)
            assert visitor.sign_in(name, self._passwords[name]).status == 200
        return self._sessions[name]

    def browser(self, name: str) -> Browser:
        """Return the browser of somebody who has just signed in."""
        browser = Browser(self._url)
        browser.submit("/accounts/login/", login=name, password=self._passwords[name])
        return browser

    def runs(self) -> list[str]:
        """Return the runs that there are."""
        return [run["id"] for run in self.visitor("ava").get("runs").json["results"]]


def wait_until(what: Callable[[], Any]) -> Any:
    """Return what is true at last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def processes_of(directory: Path) -> dict[int, dict[str, str]]:
    """Return the environments, by process id, of all that hold a file of the directory open: log, lock, database."""
    pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
    return {pid: environment(pid) for pid in pids if holds(pid, directory)}


def holds(pid: int, directory: Path) -> bool:
    """Tell whether a process holds a file of the directory open."""
    try:
        links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:  # it has ended, or is somebody else's
        return False
    return any(link.startswith(f"{directory}/") for link in links)


def environment(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with."""
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
