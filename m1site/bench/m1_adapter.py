"""M1's own engine, through the door that a proposal takes."""

from m1site.bench import documents
from m1site.bench.workload import Call, Workload
from policy.compiled.decision import Decision
from policy.documents import from_value
from policy.proposal import ToolShape


class Adapter:
    """M1 with the rules of a workload."""

    def __init__(self, work: Workload) -> None:
        self._shapes = {tool: ToolShape.of(tool, documents.SCHEMA) for tool in work.tools}
        self._policy = from_value(documents.document(work)).compiled()

    def decide(self, call: Call) -> Decision:
        """Return the decision: outcome, the rule that won, and every rule that matched."""
        tool, agent, environment, groups, arguments = call
        return self._policy.decide(self._shapes[tool], agent, environment, groups, arguments)

    def meaning(self, decision: Decision) -> tuple[str, frozenset[int]]:
        """Return what the decision says in the workload's words; "" where it contradicts itself."""
        answer, ids = documents.meant(decision.matched)
        is_sound = (decision.outcome == "denied") == (answer == "deny") and decision.rule in ("", *decision.matched)
        return answer if is_sound else "", ids
