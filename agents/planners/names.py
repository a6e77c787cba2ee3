"""Tool names: `files.read` in M1, `files__read` for the model, which knows no dot."""

import re
from collections.abc import Iterable

from agents.planners.base import PlannerError, ToolSpec

MODEL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
M1_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


class ToolNameError(PlannerError):
    """A tool's name cannot be shown to a model: {problem}"""

    code = "tool_name"
    http_status = 400


def to_model(name: str) -> str:
    """Return the name that the model sees. Raises ToolNameError if M1's name could not be had back from it."""
    shown = name.replace(".", "__")
    if not M1_NAME.fullmatch(name):
        raise ToolNameError(problem=f"{name!r} may have only small letters, digits, _ and dots between them")
    if not MODEL_NAME.fullmatch(shown):
        raise ToolNameError(problem=f"{name!r} has more than 64 characters with each dot as two underscores")
    if shown.replace("__", ".") != name:
        raise ToolNameError(problem=f"in {name!r} an underscore beside another or beside a dot reads as a dot")
    return shown


def from_model(shown: str, tools: Iterable[ToolSpec]) -> str:
    """Return M1's name of the tool that the model asked for.

    A name that was never offered stays as it is, so that policy denies it as unknown, in the model's own word.
    """
    return {to_model(tool.name): tool.name for tool in tools}.get(shown, shown)
