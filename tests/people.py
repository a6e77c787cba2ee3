"""What people do at M1's door over REST, and what they find there; whoever started M1, on whatever database."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from m1site.demo.place import Place
from tests.visitor import Answer, Visitor

Call = Mapping[str, Any]
Found = TypeVar("Found")


def until(condition: Callable[[], Found], seconds: float = 30, *, what: str = "") -> Found:
    """Return what the condition returns as soon as that is true; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what or condition}")
        time.sleep(0.05)
    return found


class People(ABC):
    """Ava, who may look at everything, and the others."""

    @abstractmethod
    def visitor(self, name: str) -> Visitor:
        """Return somebody who has come in."""

    def waiting(self, run: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the calls of a run that wait for people, once there are so many and their previews are made."""
        ava = self.visitor("ava")

        def found() -> list[dict[str, Any]]:
            rows = ava.get(f"tool-calls?run={run}&status=pending").json["results"]
            calls = [ava.get(f"tool-calls/{row['requestId']}").json for row in rows]
            ready = [call for call in calls if call["previewState"] != "waiting"]
            return ready if len(ready) == count else []

        return sorted(until(found, what=f"{count} calls wait"), key=lambda call: str(call["tool"]))

    def approve(self, call: Call, name: str = "ava") -> Answer:
        """Have somebody approve a call as it was shown."""
        seen = {"argumentsDigest": call["argumentsDigest"], "round": call["round"]}
        return self.visitor(name).post(f"tool-calls/{call['requestId']}/approve", seen)

    def status(self, call: Call) -> str:
        """Return what has become of a call."""
        return str(self.visitor("ava").get(f"tool-calls/{call['requestId']}").json["status"])

    def ended(self, run: str, seconds: float = 30) -> dict[str, Any]:
        """Return a run when it has come to its end."""
        ava = self.visitor("ava")

        def found() -> dict[str, Any]:
            told: dict[str, Any] = ava.get(f"runs/{run}").json
            return told if told["status"] in ("completed", "failed", "cancelled") else {}

        return until(found, seconds, what=f"run {run} has ended")

    def events(self, subject: str, action: str = "") -> list[dict[str, Any]]:
        """Return the events about something, oldest first."""
        query = f"audit/events?subject={subject}" + (f"&action={action}" if action else "")
        return list(reversed(self.visitor("ava").get(query).json["results"]))


def assert_the_main_job_is_done(people: People, place: Place, run: str, mail: Call, draft: Call) -> None:
    """The run has answered; what two calls were approved for has happened, and nothing else has.

    mail    the call that sends the e-mail, approved by one
    draft   the call that deletes the draft, approved by two
    """
    told = people.ended(run)
    assert (told["status"], told["endReason"]) == ("completed", "answered"), told
    assert people.visitor("riley").get(f"runs/{run}").json["answer"] == told["answer"]
    (message,) = place.mail.iterdir()
    assert "To: customer@example.com" in message.read_text()
    assert not (place.workspace / "orders/1001-draft.txt").exists()
    assert (place.workspace / "orders/1001.txt").exists()
    assert (place.workspace / "archive/ledger.csv").exists()
    for call in (mail, draft):
        actions = [event["action"] for event in people.events(f"tool_call:{call['requestId']}")]
        votes = ["tool_call.vote"] * (1 if call is mail else 2)
        assert [one for one in actions if one != "tool_call.previewed"] == [
            "tool_call.pending", *votes, "tool_call.approved", "tool_call.executing", "tool_call.succeeded",
        ]  # fmt: skip
    assert_a_person_stands_behind_every_execution(people, told)


def assert_a_person_stands_behind_every_execution(people: People, told: dict[str, Any]) -> None:
    """Each call of the run that ran was approved by as many as the policy asks for; the archive was left alone."""
    calls = [call for turn in told["turns"] for call in turn["toolCalls"]]
    assert [call["tool"] for call in calls if call["status"] == "denied"] == ["files.delete"]
    ran = [call for call in calls if call["status"] == "succeeded"]
    assert len(ran) == 5
    for call in ran:
        (event,) = people.events(f"tool_call:{call['requestId']}", "tool_call.executing")
        assert len(event["payload"]["people"]) == (2 if call["tool"] == "files.delete" else 1)
