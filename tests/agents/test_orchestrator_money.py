"""What a run costs: counted once, from what is on record, and an end where its means are spent."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from agents import budgets, tasks
from agents.models import Agent, ToolCall
from tests.agents import steps
from tests.agents.claude_runs import BUSY, COST, begin, claude, end_of, listing, plan, plan_later, told
from tests.agents.test_decisions import WRITE_AND_STOP
from tests.claude_rules import Json
from tests.claude_server import Answer, message, text, tool_use
from tests.world import World

pytestmark = pytest.mark.django_db


def test_cost_and_tokens_are_counted_once(world: World) -> None:
    usage = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 1000,
             "cache_creation_input_tokens": 10}  # fmt: skip
    with claude([BUSY, listing(), message(text("Done."), usage=usage)]):
        run = plan(plan_later(begin(world), 3), 3)
    first, second = run.turns.all()
    assert (first.cost_usd, first.input_tokens, first.output_tokens) == (COST, 100, 20)
    assert (float(first.rates["input"]), float(first.rates["output"])) == (4, 20)
    assert first.cost_usd and second.cost_usd and second.cost_usd > COST
    assert second.cache_read_tokens == 1000 and second.cache_write_5m_tokens == 10
    assert (run.cost_usd, run.tokens_used) == (first.cost_usd + second.cost_usd, 120 + 1130)
    assert (first.provider_request_id, second.provider_request_id) == ("req_0002", "req_0003")
    assert (first.is_scripted, first.model, first.message_id) == (False, "claude-opus-5-5", "msg_loopback")


@pytest.mark.parametrize(
    ("fields", "is_tracked", "reason"),
    [
        ({"budget_usd": Decimal("0.01")}, True, "budget"),  # 0.04 dollars spent
        ({"budget_usd": Decimal("0.04")}, True, "budget"),
        ({"budget_usd": Decimal("0.05")}, True, ""),
        ({"budget_usd": Decimal("0.01")}, False, ""),
        ({"token_limit": 10_000}, True, ""),
        ({"token_limit": 10_000}, False, "budget"),
        ({"token_limit": 10_001}, False, ""),
        ({"token_limit": 10_000, "model": "llama3"}, True, "budget"),
        ({"max_turns": 1}, True, "turn_limit"),
        ({"max_turns": 2}, True, ""),
    ],
)
def test_what_is_spent_ends_the_run_before_the_model_is_asked_again(
    world: World, fields: dict[str, Any], is_tracked: bool, reason: str
) -> None:
    usage = {"input_tokens": 10_000, "output_tokens": 0}
    model = fields.get("model", "claude-opus-5-5")
    first = message(tool_use("toolu_1", "files__list", {}), usage=usage, model=model)
    with claude([first, message(text("Done."), model=model)]) as server, override_settings(
        COST_TRACKING_ENABLED=is_tracked
    ):  # fmt: skip
        run = plan(begin(world, **fields), 2)
    is_priced = is_tracked and model == "claude-opus-5-5"
    turn = run.turns.get(number=1)
    assert (turn.cost_usd, bool(turn.rates)) == (Decimal("0.04") if is_priced else None, is_priced)
    assert turn.input_tokens == 10_000 and (run.cost_usd > 0) == is_priced
    assert end_of(run) == (("failed", reason) if reason else ("completed", "answered"))
    assert len(server.requests) == (1 if reason else 2) and bool(run.problem) == bool(reason)


@pytest.mark.parametrize("is_tracked", [True, False])
def test_without_a_budget_the_model_is_never_asked(world: World, is_tracked: bool) -> None:
    with claude([message(text("Done."))]) as server, override_settings(COST_TRACKING_ENABLED=is_tracked):
        run = plan(begin(world, budget_usd=0))
    assert (end_of(run), run.problem) == (("failed", "budget"), budgets.SPENT)
    assert (server.requests, run.turn_count, run.planner_failures) == ([], 0, 0)


def test_without_a_budget_a_planner_that_costs_nothing_works_on(world: World) -> None:
    Agent.objects.filter(pk=world.agent.pk).update(budget_usd=0)
    world.agent.refresh_from_db()
    run = plan(world.run(scenario=WRITE_AND_STOP))
    assert (run.planner, run.turn_count, run.status) == ("scripted", 1, "waiting")
    call = steps.approved(world, budget_usd=Decimal(0))
    assert steps.claim(call) and steps.run_to(call)
    assert (call.run.budget_usd, ToolCall.objects.get(pk=call.pk).status) == (0, "succeeded")


@pytest.mark.django_db(transaction=True)
def test_a_hundred_messages_to_four_workers_spend_the_budget_once(world: World) -> None:
    usage = {"input_tokens": 250_000, "output_tokens": 0}  # a dollar a turn
    barrier = threading.Barrier(4)

    def work() -> None:
        try:
            barrier.wait(30)
            for _ in range(25):
                tasks.plan(str(run.pk))
        finally:
            connection.close()

    def ask(request: Json) -> Answer:
        return message(tool_use(f"toolu_{len(request['messages'])}", "files__list", {}), usage=usage)

    with claude(ask) as server:
        run = begin(world, budget_usd=Decimal(10), max_turns=99)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run = plan(run, 11)
    assert end_of(run) == ("failed", "budget"), run.problem
    assert (len(server.requests), run.turn_count, run.cost_usd) == (10, 10, 10)


def test_a_reply_that_came_and_cannot_be_used_says_what_it_cost_and_is_in_no_sum(world: World) -> None:
    fine = message(tool_use("toolu_1", "files__list", {}))
    with claude([Answer(200, fine.body.replace(b'"name"', b'"name": "x", "name"')), message(text("Done."))]):
        run = plan(begin(world))
    assert end_of(run) == ("failed", "model_error") and "duplicate key" in run.problem
    (failed,) = told(run, "turn.failed")
    assert (failed["cost_usd"], failed["input_tokens"], failed["output_tokens"]) == (f"{COST}", 100, 20)
    assert (run.cost_usd, run.tokens_used) == (0, 0)
