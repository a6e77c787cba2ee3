"""The scripted planner and its scenarios; the demo's own scenario with every decision that people can make."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from agents.planners.base import Conversation, PlannerError, Reply, Stop, ToolUse
from agents.planners.reading import use_ids_of
from agents.planners.scenario import ENDS, ScenarioError, parse
from agents.planners.scripted import ScriptedPlanner
from tests.agents.conversations import conversation, outcome, then

DEMO = (Path(__file__).parents[2] / "m1site/demo/scenario.yaml").read_text()

SHORT = """
steps:
  - step: tell
    say: I will write to her.
    calls:
      - {id: mail, tool: email.send, arguments: {to: ana@example.com}, reason: She asked.}
      - {id: note, tool: shop.refund, arguments: {reason: late, amount: 1.50}, reason: She waited.}
    next:
      - when: {mail: succeeded, note: [rejected, expired]}
        goto: half
      - when: {mail: succeeded}
        goto: thanks
      - goto: sorry
  - {step: half, finish: Half done.}
  - {step: thanks, finish: Done.}
  - {step: sorry, finish: Nothing done.}
"""


def play(run: Conversation) -> Reply:
    return ScriptedPlanner().next_turn(run)


def test_a_step_becomes_a_reply_that_says_it_is_scripted() -> None:
    reply = play(conversation(scenario=SHORT))

    assert (reply.stop, reply.text, reply.model, reply.scripted) == (
        Stop.CALLS,
        "I will write to her.",
        "scripted",
        True,
    )
    assert reply.uses == (
        ToolUse("toolu_1_mail", "email__send", b'{"to":"ana@example.com"}', "She asked."),  # not among the run's tools
        ToolUse("toolu_1_note", "shop.refund", b'{"reason":"late","amount":1.5}', "She waited."),
    )
    assert (reply.cost.usd, reply.cost.priced, reply.usage.output) == (Decimal(0), True, 0)
    assert json.loads(reply.reply)["role"] == "assistant"


@pytest.mark.parametrize(
    ("mail", "note", "ending"),
    [
        ("succeeded", "rejected", "Half done."),
        ("succeeded", "expired", "Half done."),
        ("succeeded", "succeeded", "Done."),
        ("succeeded", "denied", "Done."),
        ("rejected", "succeeded", "Nothing done."),
        ("cancelled", "cancelled", "Nothing done."),
    ],
)
def test_the_scenario_goes_on_by_what_happened(mail: str, note: str, ending: str) -> None:
    run = conversation(scenario=SHORT)
    run = then(run, play(run), outcome("toolu_1_note", note), outcome("toolu_1_mail", mail))
    reply = play(run)

    assert (reply.stop, reply.text, reply.uses) == (Stop.DONE, ending, ())
    assert [result["tool_use_id"] for result in json.loads(reply.request)] == ["toolu_1_mail", "toolu_1_note"]
    assert play(run) == reply  # another process, or the same one after a crash, plays the same


def test_a_step_may_look_back_and_may_be_played_again() -> None:
    loop = """
steps:
  - step: first
    calls: [{id: one, tool: a, arguments: {}, reason: r}]
    next: [{goto: second}]
  - step: second
    calls: [{id: two, tool: a, arguments: {}, reason: r}]
    next: [{when: {one: failed}, goto: first}, {goto: end}]
  - {step: end, finish: End.}
"""
    run, said = conversation(scenario=loop), []
    for status in ("failed", "failed", "succeeded", "failed"):
        reply = play(run)
        said += [use.id for use in reply.uses]
        run = then(run, reply, *[outcome(use.id, status) for use in reply.uses])

    assert said == ["toolu_1_one", "toolu_2_two", "toolu_3_one", "toolu_4_two"]
    assert play(run).text == "End."


def test_a_run_that_another_planner_began_or_another_scenario_led_is_not_played_on() -> None:
    run = conversation(scenario=SHORT)
    strange = replace(play(run), reply=play(run).reply.replace('"step":"tell"', '"step":"gone"'))
    foreign = replace(play(run), reply=play(run).reply.replace('"scenario"', '"other"'))
    for reply in (strange, foreign):
        with pytest.raises(PlannerError):
            play(then(run, reply, outcome("toolu_1_mail"), outcome("toolu_1_note")))
    with pytest.raises(PlannerError, match="not exactly those"):
        play(then(run, play(run), outcome("toolu_1_mail")))


CALL = "{id: a, tool: t, arguments: {}, reason: r}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must be a mapping"),
        ("steps: []", "line 1: steps must be a list"),
        ("steps: {a: 1}", "steps must be a list"),
        ("step: []", "'step' is not known here"),
        ("steps:\n - {step: A, finish: x}", "line 2: step must be a name"),
        ("steps:\n - {step: a}", "line 2: calls is missing"),
        ("steps:\n - {step: a, finish: ''}", "finish must be a text"),
        ("steps:\n - {step: a, finish: x, say: y}", "'say' is not known here"),
        ("steps:\n - {step: a, finish: x}\n - {step: a, finish: y}", "line 3: a second step is named 'a'"),
        (f"steps:\n - step: a\n   calls: [{CALL}]", "next is missing"),
        (f"steps:\n - step: a\n   calls: [{CALL}]\n   next: [{{goto: b}}]", "line 4: goto names the step 'b'"),
        (f"steps:\n - step: a\n   calls: [{CALL}, {CALL}]\n   next: [{{goto: a}}]", "a second call has the id 'a'"),
        (f"steps:\n - step: a\n   calls: [{CALL}]\n   next: [{{when: {{b: failed}}, goto: a}}]", "the call 'b'"),
        (f"steps:\n - step: a\n   calls: [{CALL}]\n   next: [{{when: {{a: failed}}, goto: a}}]", "has no when"),
        (f"steps:\n - step: a\n   calls: [{CALL}]\n   next: [{{goto: a}}, {{goto: a}}]", "has no when"),
        (f"steps:\n - step: a\n   calls: [{CALL}]\n   next: [{{when: {{a: lost}}, goto: a}}]", "a must be one of"),
        ("steps:\n - {step: a, step: b, finish: x}", "'step' is there twice"),
        ("steps:\n - {1: a}", "the key 1 is not a text"),
        ("steps:\n - step: a\n   calls: [{id: a, tool: Bad-Name, arguments: {}, reason: r}]\n   next: []", "tool"),
        (
            "steps:\n - step: a\n   calls: [{id: a, tool: t, arguments: {d: 2026-01-01}, reason: r}]\n   next: []",
            "quote",
        ),
        ("steps:\n - step: a\n   calls: [{id: a, tool: t, arguments: {d: .nan}, reason: r}]\n   next: []", "JSON"),
        ("steps:\n - step: a\n   calls: [{id: a, tool: t, arguments: [], reason: r}]\n   next: []", "arguments"),
        ("steps:\n - step: a\n   calls: [{id: a, tool: t, arguments: {}}]\n   next: []", "reason is missing"),
        ("steps: &a [*a]", "line 1: tags and aliases"),
        ("steps: !!python/object/apply:os.system ['true']", "line 1: tags and aliases"),
        ("steps: 2026-99-99", "month must be in"),
        ("steps: [" + "9" * 5000 + "]", "limit"),
        ("steps: [", "line 1"),
        ("steps: \x00", "special characters"),
        ("[" * 5000, "nested too deeply"),
        ("#" * 100_001, "more than 100000"),
    ],
)
def test_a_scenario_that_cannot_be_played_says_where_and_why(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        parse(text)
    with pytest.raises(PlannerError, match=complaint):
        play(conversation(scenario=text))


def test_the_demo_finishes_truthfully_whatever_people_decide() -> None:
    endings = set()
    for mail, draft in product(ENDS, ENDS):
        run = conversation(scenario=DEMO)
        for statuses in (["succeeded"] * 3, [mail, draft], ["denied"]):
            reply = play(run)
            ids = use_ids_of(reply.reply)
            run = then(run, reply, *[outcome(use_id, status) for use_id, status in zip(ids, statuses, strict=True)])
        last = play(run)
        assert last.stop is Stop.DONE
        assert ("draft is gone" in last.text or "draft of order 1001 is gone" in last.text) == (draft == "succeeded")
        assert ("has been told" in last.text) == (mail == "succeeded")
        assert ("was rejected" in last.text) == (mail == "rejected")
        endings.add(last.text)
    assert len(endings) == 6


def test_the_demo_stops_when_it_may_not_read() -> None:
    run = conversation(scenario=DEMO)
    reply = play(run)
    run = then(run, reply, *[outcome(use_id, "denied") for use_id in use_ids_of(reply.reply)])

    assert play(run).stop is Stop.DONE
    assert "could not read" in play(run).text
