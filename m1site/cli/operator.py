"""What the operator's commands have in common: refusals of M1 and of the database as one line and an exit code."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError

from audit.errors import M1Error
from m1site.cli.client import BadInputError, RefusedError

P = ParamSpec("P")
R = TypeVar("R")
ACTOR = "system:cli"


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what M1 refuses into one line: exit code 2 for bad input, else 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except M1Error as exc:
            kind = BadInputError if exc.http_status in (400, 404) else RefusedError
            raise kind(str(exc)) from exc
        except (DatabaseError, InterfaceError) as exc:
            raise RefusedError(f"The database refused or is away: {exc}") from exc

    return run
