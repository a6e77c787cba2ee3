"""A program that asks M1 for something and keeps on asking, with the same Idempotency-Key, until M1 has answered."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.visitor import Answer, Visitor

PATIENCE_SECONDS = 120
PROBLEM = "application/problem+json"


@dataclass
class Accepted:
    """What REST has answered 2xx to: runs and calls by their ids, votes as (request id, username, answer)."""

    runs: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    votes: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Client:
    """Everybody who asks M1 for something in these tests.

    visitor    returns somebody by name
    accepted   what was promised to them
    answers    how often they got which status; 0: the connection broke
    wrong      answers of 500 and above that are not the one to expect
    """

    visitor: Callable[[str], Visitor]
    accepted: Accepted = field(default_factory=Accepted)
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, goal: str, agent: str) -> str:
        """Start a run as riley and return its id."""
        run = str(self.post("riley", "runs", {"goal": goal, "agent": agent}).json["id"])
        self.accepted.runs.append(run)
        return run

    def offer(self, run: str, tool: str, **arguments: object) -> str:
        """Propose a call as an agent of someone's own; return the request id."""
        body = {"calls": [{"tool": tool, "arguments": arguments, "reason": "Somebody outside counts along."}]}
        told = self.post("robot", f"runs/{run}/tool-calls", body).json
        request_id = str(told["turns"][-1]["toolCalls"][0]["requestId"])
        self.accepted.calls.append(request_id)
        return request_id

    def approve(self, request_id: str, digest: str, round_: int = 1) -> str:
        """Approve a call as ava; return the state that it is said to be in."""
        body = {"argumentsDigest": digest, "round": round_}
        told = self.post("ava", f"tool-calls/{request_id}/approve", body).json
        self.accepted.votes.append((request_id, "ava", "approve"))
        return str(told["status"])

    def settle(self, request_id: str, outcome: str) -> None:
        """Say as ava how a lost call ended."""
        self.post("ava", f"tool-calls/{request_id}/settle", {"outcome": outcome, "note": "I have asked outside."})

    def finish(self, run: str) -> None:
        """End the run of an agent of someone's own."""
        self.post("robot", f"runs/{run}/finish", {"answer": "It is done."})

    def post(self, name: str, path: str, body: object) -> Answer:
        """Return the answer that is not `away, try again`."""
        visitor, key = self.visitor(name), str(uuid4())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self._try(visitor, path, body, key)) is None or answer.status == 503:
            assert time.monotonic() < deadline, f"{path}: {self.answers}"
            threading.Event().wait(0.1)
        assert 200 <= answer.status < 300, f"{path}: {answer.status} {answer.text}"
        return answer

    def take_wrong(self) -> list[str]:
        """Return the answers since the last time that a server in trouble must not give."""
        found, self.wrong = self.wrong, []
        return found

    def _try(self, visitor: Visitor, path: str, body: object, key: str) -> Answer | None:
        try:
            answer = visitor.post(path, body, Idempotency_Key=key)
        except (OSError, http.client.HTTPException):
            answer = None
        with self._lock:
            self.answers[answer.status if answer else 0] += 1
            if answer and answer.status >= 500 and not is_away(answer):
                self.wrong.append(f"{path}: {answer.status} {answer.text[:200]}")
        return answer


def is_away(answer: Answer) -> bool:
    """Tell whether this is the answer of M1 without its database: a problem document that says when to try again."""
    if answer.status != 503 or answer.headers.get_content_type() != PROBLEM:
        return False
    told: dict[str, Any] = answer.json
    return bool(told["code"] == "database_unavailable" and answer.headers["Retry-After"])
