"""M1's engine once more, with the names of the rule that won and of every rule that matched read from each decision."""

from m1site.bench import m1_adapter
from m1site.bench.workload import Call
from policy.compiled.decision import Decision


class Adapter(m1_adapter.Adapter):
    """M1 as somebody uses it who shows every decision."""

    def decide(self, call: Call) -> Decision:
        """Return the decision, having read its names: they are made when they are asked for."""
        decision = super().decide(call)
        _ = decision.rule, decision.matched
        return decision
