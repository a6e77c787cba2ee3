"""An agent's configuration, frozen in a run as JSON and read back as what a planner takes."""

from typing import Any

from agents.models import Agent, AgentRun
from agents.planners.base import RunConfig, ToolSpec
from audit import canonical
from policy import allowlist


def freeze(agent: Agent) -> str:
    """Return all that the planner will see of the agent; later edits of the agent reach later runs only."""
    names = agent.tools.order_by("name").values_list("name", flat=True)
    declared = [rows[0].declared for name in names if (rows := allowlist.enabled(name))]
    config = {
        "planner": agent.planner,
        "model": agent.model,
        "system_prompt": agent.system_prompt,
        "scenario": agent.scenario,
        "max_turns": agent.max_turns,
        "max_output_tokens": agent.max_output_tokens,
        "token_limit": agent.token_limit,
        "tools": [{key: tool[key] for key in ("name", "description", "schema")} for tool in declared],
    }
    return canonical.encode(config).decode()


def read(text: str) -> dict[str, Any]:
    """Return the JSON object that a row holds as text."""
    value = canonical.parse(text.encode(), limits=canonical.Limits(bytes=16_777_216))
    return value if isinstance(value, dict) else {}


def run_config(run: AgentRun) -> RunConfig:
    """Return the frozen configuration as a planner takes it."""
    config = read(run.config)
    return RunConfig(
        model=config["model"],
        system_prompt=config["system_prompt"],
        tools=tuple(ToolSpec(**tool) for tool in config["tools"]),
        max_tokens=config["max_output_tokens"],
        scenario=config["scenario"],
        planner=config["planner"],
    )


def allowed_tools(run: AgentRun) -> frozenset[str]:
    """Return the names of the tools that the agent may ask for."""
    return frozenset(tool["name"] for tool in read(run.config)["tools"])
