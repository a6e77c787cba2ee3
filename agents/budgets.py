"""What a run may spend on its model, and whether it has."""

from agents import configuration
from agents.models import AgentRun

CODE = "budget_spent"
SPENT = "The run has spent its budget."


def is_spent(run: AgentRun) -> bool:
    """Tell whether a run has spent its dollars, or, where the price of a turn is not known, its tokens."""
    if 0 < run.cost_usd >= run.budget_usd:
        return True
    has_many = run.tokens_used >= configuration.read(run.config)["token_limit"]
    return has_many and run.turns.filter(cost_usd=None).exists()
