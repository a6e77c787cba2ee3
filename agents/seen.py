"""What a person had before them when they answered."""

from dataclasses import dataclass

from agents.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class Seen:
    """The call as it was shown, and how the person came to see it.

    digest, round   of the call on the screen: an answer to another one counts for nothing
    surface         a value of Decision.Surface
    sign_in         what the person's session rests on; None for an API key
    open_seconds    how long the page was open; None where nobody knows
    """

    digest: str
    round: int
    surface: str
    sign_in: SignIn | None = None
    open_seconds: float | None = None
