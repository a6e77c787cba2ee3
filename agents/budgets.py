"""What a run may spend on its model, and whether it has."""

from agents import configuration
from agents.models import Agent, AgentRun

CODE = "budget_spent"
SPENT = "The run has spent its budget."
FREE = frozenset({Agent.Planner.SCRIPTED, Agent.Planner.EXTERNAL})


def is_spent(run: AgentRun) -> bool:
    """Tell whether a run has spent its dollars, or, where the price of a turn is not known, its tokens.

    With no dollars at all, a planner that costs money is asked nothing; one that costs none has spent nothing.
    """
    may_cost = run.cost_usd > 0 or run.planner not in FREE
    if may_cost and run.cost_usd >= run.budget_usd:
        return True
    has_many = run.tokens_used >= configuration.read(run.config)["token_limit"]
    return has_many and run.turns.filter(cost_usd=None).exists()
