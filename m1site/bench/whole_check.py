"""The whole check as a proposal pays it, without its queries: what the database says is in hand.

Registry facts, strict parsing, schema, headline, canonical digest, rules with their sentences, the token of a
pre-authorisation that was verified before, and the row of the check ready to be stored.
"""

import json
import secrets
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings

from audit import canonical
from m1site.bench import documents
from m1site.bench.expected import expected
from m1site.bench.making import make
from m1site.bench.timing import measured
from m1site.bench.workload import Call
from policy import check, jwt
from policy.check import Asked, InForce
from policy.documents import Document, digest, from_value
from policy.documents import canonical as canonical_text
from policy.jwt import Claims
from policy.keys import KeyRing
from policy.models import PolicyCheck, PolicyVersion, Tool, ToolVersion

SECONDS, CHECKED = 6.0, 300
DECLARATION = {
    "schema": documents.SCHEMA,
    "headline": "Send {amount} {currency} to {recipient}",
    "sensitive_arguments": [],
    "description": "A tool of the benchmark. " * 10,
}


class Desk:
    """Everything a check needs of the database, made here and never stored."""

    def __init__(self, size: int) -> None:
        self.work = make(size, "grow")
        self.tools = {name: [_tool(name)] for name in self.work.tools}
        self.policy = _policy(from_value(documents.document(self.work)))
        self.now = datetime.now(UTC)
        settings.M1_KEYS = KeyRing().with_secret(
            secrets.token_bytes(32)
        )  # of this process, which ends with its figures
        issued = self.now.replace(microsecond=0)
        claims = Claims(uuid4(), uuid4(), issued, issued + timedelta(hours=1), self._scope())
        _, self.token = jwt.sign("preauthorization", claims)

    def check(self, asked_for: tuple[Call, bytes]) -> PolicyCheck:
        """Return the row of one check, its verdict made from the arguments as they arrive."""
        began = time.perf_counter_ns()
        (tool, agent, environment, groups, _), arguments = asked_for
        asked = Asked(uuid4(), agent, environment, "ada", groups, tool, arguments, self.tools)
        checked = check.weigh(asked, InForce(self.tools[tool], self.policy), began)
        jwt.verify("preauthorization", self.token, now=self.now)
        return check.row(asked, checked, checked.verdict, PolicyCheck.Phase.PROPOSAL, self.now)

    def _scope(self) -> dict[str, Any]:
        """Return what a pre-authorisation for the tools of one team says."""
        digests = {name: [version.digest for version in self.tools[name]] for name in self.work.tools[:5]}
        return {"agents": ["team1.agent1"], "requesters": ["ada"], "tools": digests, "when": []}


def main(size: str) -> dict[str, float]:
    """Return the percentiles, over rules of this number while tools grow with them."""
    desk = Desk(int(size))
    calls = [(call, json.dumps(call.arguments).encode()) for call in desk.work.calls]
    for call, arguments in calls[:CHECKED]:
        said = desk.check((call, arguments)).verdict
        if documents.meant(tuple(said["matched"])) != expected(desk.work.rules, call):
            sys.exit(f"answers {said} to {call}")
    return asdict(measured(desk.check, calls, SECONDS))


def _tool(name: str) -> ToolVersion:
    declaration = canonical.encode({**DECLARATION, "name": name})
    return ToolVersion(tool=Tool(name=name), declaration=declaration.decode(), digest=canonical.digest(declaration))


def _policy(document: Document) -> PolicyVersion:
    return PolicyVersion(number=1, canonical=canonical_text(document).decode(), digest=digest(document))
