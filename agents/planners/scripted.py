"""The scripted planner: plays a scenario, for the demo without a key and for tests. It says so in every reply.

A reply has the shape of the Messages API, and one member more: `scenario`, with the step and how calls ended so far.
That is all the state there is, so any process can play on.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.planners import reading, transcript
from agents.planners.base import Conversation, PlannerError, Reply, ToolSpec
from agents.planners.names import to_model
from agents.planners.scenario import Call, Scenario, ScenarioError, Step, parse
from agents.planners.schemas import reason_key
from agents.planners.wire import dump
from agents.pricing import FREE

MODEL = "scripted"


class ScriptedPlanner:
    """A planner that reads its lines from the run's scenario."""

    def next_turn(self, conversation: Conversation) -> Reply:
        """Return the next step of the scenario as a reply. Raises PlannerError if the scenario cannot be played."""
        try:
            scenario = parse(conversation.config.scenario)
        except ScenarioError as error:
            raise PlannerError(problem=str(error)) from error
        request = transcript.next_request(conversation)
        seen = _seen(conversation)
        body = _body(conversation, _step(scenario, conversation, seen), seen)
        reply = reading.read(body, request=request, config=conversation.config)
        return replace(reply, cost=FREE, scripted=True)


def _seen(conversation: Conversation) -> dict[str, str]:
    """Return how each call so far ended, by its id in the scenario."""
    if not conversation.turns:
        return {}
    seen: dict[str, str] = dict(_state(conversation)["seen"])
    return seen | {_call_id(outcome.tool_use_id): outcome.status for outcome in conversation.outcomes}


def _step(scenario: Scenario, conversation: Conversation, seen: Mapping[str, str]) -> Step:
    if not conversation.turns:
        return scenario.first()
    step = scenario.steps.get(_state(conversation)["step"])
    if step is None or not step.next:
        raise PlannerError(problem="the last turn is not a step of this scenario that goes on.")
    return scenario.after(step, seen)


def _state(conversation: Conversation) -> dict[str, Any]:
    state = json.loads(conversation.turns[-1].reply).get("scenario")
    if not isinstance(state, dict):
        raise PlannerError(problem="the last turn was not played from a scenario.")
    return state


def _body(conversation: Conversation, step: Step, seen: Mapping[str, str]) -> str:
    """Return the reply as wire JSON; it is the same each time that it is asked for."""
    number = len(conversation.turns) + 1
    said = [{"type": "text", "text": step.say}] if step.say else []
    asked = [_tool_use(call, number, conversation.config.tools) for call in step.calls]
    return dump(
        {
            "id": f"msg_scripted_{conversation.run_id.hex}_{number}",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [*said, *asked],
            "stop_reason": "tool_use" if asked else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
            "scenario": {"step": step.name, "seen": seen},
        }
    )


def _tool_use(call: Call, number: int, tools: tuple[ToolSpec, ...]) -> dict[str, object]:
    schema = next((tool.schema for tool in tools if tool.name == call.tool), {})
    return {
        "type": "tool_use",
        "id": f"toolu_{number}_{call.id}",
        "name": to_model(call.tool),
        "input": {**call.arguments, reason_key(schema): call.reason},
    }


def _call_id(tool_use_id: str) -> str:
    return tool_use_id.split("_", 2)[2]
