"""The pictures that the documentation shows, and the page that shows them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

PAGE, FOLDER = Path("docs/screens.md"), Path("docs/images/screens")
FOUR = ("wide-light", "narrow-light", "wide-dark", "narrow-dark")
TWO = ("wide-light", "narrow-dark")
CHAPTERS: Mapping[str, Mapping[str, str]] = {
    "Deciding": {
        "inbox": "The inbox: what waits for you, the riskiest first.",
        "approval": "The approval page: what exactly will happen, why you are asked, who wants it.",
        "approval-diff": "A file before and after.",
        "approval-reject": "A reason for every no; the agent gets it as its answer.",
        "approval-hostile": "Text of an agent that lies: hidden characters are marked, mixed alphabets are named.",
        "approval-rtl": "Arabic and Hebrew, each in its own direction.",
        "approval-edited": "What a person changed, and why.",
        "approval-glass": "Glass was broken: a second person looks afterwards.",
        "approval-own": "Why you may not decide.",
        "approval-done": "After the answer: the result, and what comes next.",
        "edit": "The arguments, changed by a person before anybody approves.",
        "batch": "Several calls of one tool, each read, decided together.",
        "inbox-keys": "Single keys, and a switch to turn them off.",
        "inbox-empty": "Nothing waits.",
    },
    "Runs": {
        "run": "A run from its goal to its end.",
        "runs": "All runs.",
        "run-new": "A goal for an agent.",
    },
    "Saying yes ahead, saying stop, being away": {
        "preauthorizations": "What was allowed ahead of time, and what it was used for.",
        "halts": "A halt on everything, an agent or a tool.",
        "away": "Who stands in.",
    },
    "Your account": {
        "sign-in": "Signing in.",
        "security": "Second factors, sessions, keys.",
        "missing": "Nothing here.",
    },
    "The compliance officer's desk": {
        "admin": "Everything on record.",
        "admin-calls": "Every tool call, searched and filtered.",
        "admin-decide": "Several calls decided at once, each shown.",
        "admin-draft": "The draft of the next policy.",
        "admin-rule": "A rule as a form: whom it is for, its conditions as rows, and the whole of it as a sentence.",
    },
}
IN_FOUR = ("inbox", "approval", "run", "admin-calls")


def variants(screen: str) -> tuple[str, ...]:
    """Return in which sizes and schemes a screen is shown; none for a screen that is not."""
    shown = any(screen in pictures for pictures in CHAPTERS.values())
    return (FOUR if screen in IN_FOUR else TWO) if shown else ()


def names() -> set[str]:
    """Return the names of all pictures, without their ending."""
    return {f"{screen}-{one}" for pictures in CHAPTERS.values() for screen in pictures for one in variants(screen)}


def page() -> str:
    """Return the page of the documentation."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The screens\n"
    yield "Real pages with made-up content, photographed by `make screenshots`: wide and narrow, light and dark."
    for chapter, pictures in CHAPTERS.items():
        yield f"\n## {chapter}"
        for screen, caption in pictures.items():
            yield f"\n{caption}\n"
            yield "\n".join(_image(f"{screen}-{one}", caption) for one in variants(screen))


def _image(name: str, caption: str) -> str:
    width = "31%" if "-narrow-" in name else "66%"
    size, scheme = name.rsplit("-", 2)[1:]
    return f'<img src="images/screens/{name}.webp" width="{width}" alt="{caption} {size.capitalize()}, {scheme}.">'
