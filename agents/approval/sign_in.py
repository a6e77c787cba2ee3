"""How the person at the door signed in: what a rule may ask to be recent."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """The proofs that a session rests on. An API key has none.

    at                 when the person last proved who they are, by whatever means
    second_factor_at   when they last proved a second factor: a one-time code or a passkey; None: never in this session
    """

    at: datetime
    second_factor_at: datetime | None
