"""What a person had before them, and for how long, as every answer reports it."""

import time
from typing import Any

from m1site.cli.call_text import Call, show_call

MOST_SECONDS = 30 * 24 * 60 * 60


class Look:
    """A call that is printed, from this moment on."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.sheet = show_call(call)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has stood there."""
        return round(min(time.monotonic() - self._began, MOST_SECONDS), 1)

    def body(self, **more: Any) -> dict[str, Any]:
        """Return the body of an answer to what was printed: what that was, how long it stood there, what was read."""
        mark = {"shownMark": self.call["shownMark"]} if "shownMark" in self.call else {}
        told = {"openSeconds": self.seconds, "expanded": self.sheet.expanded}
        return {**seen(self.call, **more), **mark, **told}


def seen(call: Call, digest: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of an answer to a call as it is now, or to the arguments of the digest."""
    return {"argumentsDigest": digest or call["argumentsDigest"], "round": call["round"], **more}
