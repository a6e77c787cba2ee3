"""The words in which a tool is declared.

Everything that a child process needs to import a tool, and nothing more: the standard library's light half.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, ParamSpec, TypeAlias, TypeVar

Risk: TypeAlias = Literal["low", "medium", "high", "critical"]
Answer: TypeAlias = dict[str, Any]
"""What a tool returns: a JSON object."""

P = ParamSpec("P")
R = TypeVar("R")
ATTRIBUTE = "__m1_tool__"


class Length(NamedTuple):
    """How long a text or a list may be, inside `Annotated`.

    Constraints of annotated_types work as well, but importing them takes 20 ms of each call.
    """

    least: int
    most: int


class ToolError(Exception):
    """A tool refuses, and says why to the agent and to people.

    A promise as well: nothing of what was asked has happened. Keep values of sensitive arguments out of it.
    """


class RetryableError(Exception):
    """A tool could not finish, and asks to be run again with the same arguments and the same `M1_REQUEST_ID`.

    It is, a few times, if it is declared idempotent; of any other tool this is a failure that may have begun to act.
    Keep values of sensitive arguments out of it.
    """


class Preview(NamedTuple):
    """What a preview function returns, so that every page can show it.

    kind     how the body reads: plain text, a unified diff, or a message with its headers
    summary  one line: sizes and digests
    body     the whole of it, as text; may be empty
    """

    kind: Literal["text", "diff", "message"]
    summary: str
    body: str

    def as_answer(self) -> Answer:
        """Return the preview as the JSON object that is stored."""
        return self._asdict()


class Declaration(NamedTuple):
    """What the author of a tool says about it, as the decorator took it down."""

    name: str
    headline: str
    risk: Risk
    read_only: bool
    idempotent: bool
    reversible_with: str | None
    external: bool
    timeout_seconds: int
    sensitive_arguments: tuple[str, ...]
    sensitive_results: tuple[str, ...]
    environment: tuple[str, ...]
    preview: Callable[..., Answer] | None


def tool(
    name: str,
    *,
    headline: str,
    risk: Risk,
    read_only: bool = False,
    idempotent: bool = False,
    reversible_with: str | None = None,
    external: bool = False,
    timeout_seconds: int = 30,
    sensitive_arguments: tuple[str, ...] = (),
    sensitive_results: tuple[str, ...] = (),
    environment: tuple[str, ...] = (),
    preview: Callable[..., Answer] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the function below as a tool; its docstring is what the model reads, its type hints become the schema.

    headline             one sentence for the approver, `{argument}` standing for a value
    read_only            nothing anywhere is different afterwards
    idempotent           a second run with the same arguments changes nothing more
    reversible_with      the tool that undoes it; none means that it cannot be undone
    external             it reaches beyond this organisation's own machines
    timeout_seconds      after this it is stopped
    sensitive_arguments  arguments whose values only those who may read bodies see
    sensitive_results    the same for fields of what it returns
    environment          the variables it gets; `M1_REQUEST_ID`, the idempotency key, is always there
    preview              same parameters, no side effects, returns `Preview(...).as_answer()`
    """
    declaration = Declaration(
        name, headline, risk, read_only, idempotent, reversible_with, external, timeout_seconds,
        sensitive_arguments, sensitive_results, environment, preview,
    )  # fmt: skip

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        setattr(function, ATTRIBUTE, declaration)
        return function

    return declare
