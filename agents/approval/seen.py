"""What a person had before them when they answered."""

from dataclasses import dataclass

from agents.approval.shown_facts import Shown
from agents.approval.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class Seen:
    """The call as it was shown, and how the person came to see it.

    digest, round   of the call on the screen: an answer to another one counts for nothing
    surface         a value of Decision.Surface
    sign_in         what the person's session rests on; None for an API key
    open_seconds    how long the page was open; None where nobody knows
    shown           all that the page said, as the server made it; None where nobody knows
    focus_seconds   how long of that it had the focus, as the client reports it
    expanded        what was folded and was opened, as the client reports it: names of shown_facts.EXPANDABLE
    """

    digest: str
    round: int
    surface: str
    sign_in: SignIn | None = None
    open_seconds: float | None = None
    shown: Shown | None = None
    focus_seconds: float | None = None
    expanded: tuple[str, ...] = ()
