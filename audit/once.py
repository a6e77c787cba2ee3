"""What a page looks up once, however many of its parts ask: for pages that only show, never where something changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Found = TypeVar("Found")
_page: ContextVar[dict[Any, Any] | None] = ContextVar("page", default=None)


@contextmanager
def for_this_page() -> Iterator[None]:
    """Remember what is looked up from now on, and forget it all at the end."""
    token = _page.set({})
    try:
        yield
    finally:
        _page.reset(token)


def once_a_page(key: Callable[P, Any]) -> Callable[[Callable[P, Found]], Callable[P, Found]]:
    """Have a function look once a page for the same things; outside of pages it looks every time.

    key   what two calls have in common that find the same
    """

    def decorate(look: Callable[P, Found]) -> Callable[P, Found]:
        @wraps(look)
        def found(*args: P.args, **kwargs: P.kwargs) -> Found:
            known = _page.get()
            if known is None:
                return look(*args, **kwargs)
            name = (look, key(*args, **kwargs))
            if name not in known:
                known[name] = look(*args, **kwargs)
            return known[name]  # type: ignore[no-any-return]

        return found

    return decorate
