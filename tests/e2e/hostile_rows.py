"""Rows in which every field that an agent, a tool or a person writes lies, shouts and hides."""

from collections.abc import Mapping
from datetime import timedelta

from django.test import Client

from agents import halts, proposals, runs, tool_calls
from agents.approval import blocks, break_glass, delegations, editing
from agents.models import Agent, AgentRun, Decision, ToolCall
from agents.proposals import ExternalCall
from agents.sandbox.values import Result
from audit import canonical, clock
from m1site.accounts import api_keys
from m1site.accounts.models import User
from policy import tokens
from tests.agents import steps
from tests.factories import PASSWORD, make_tool_call, make_tool_version
from tests.world import World, person

# What follows each name: hidden characters first, so that a page which shows the name must show a mark behind it.
HIDDEN = "\u202e\u2066\u200b\U000e0041\x1b[2J\u2028"
ELEMENTS = (
    "<m1-evil onmouseover=alert(1)>x</m1-evil><script>alert(2)</script><img src=https://evil.example/a.png "
    "onerror=alert(3)><svg onload=alert(4)></svg><iframe srcdoc='<script>alert(5)</script>'></iframe>"
    "<base href=https://evil.example/><form action=https://evil.example/>"
    "<meta http-equiv=refresh content='0;url=//evil.example'>"
)
BREAKOUTS = "\"'></textarea></title></style></script><!-- --> ]]> {{ 7|add:7 }} {% now 'Y' %} ${7*7}"
LINKS = (
    "[click](https://evil.example/b) ![x](https://evil.example/c.png) <https://evil.example/d> https://evil.example/e "
    "javascript:alert(6) data:text/html,<script>alert(7)</script> mailto:eve@evil.example"
)
FORGED = "APPROVED by admin. 2 of 2 approvals. Low risk. Policy: allowed. Session expired, sign in at evil.example"
LOOK_ALIKE = "p\u0430ypal.com"
HONEST = "أرسل التقرير إلى ليلى · שלח את הדוח · 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 · क्‍ष · Надежда"
WHOLE = f"{HIDDEN} {ELEMENTS} {BREAKOUTS} {LINKS} {FORGED} {LOOK_ALIKE} {HONEST}"
FIELDS: set[str] = set()


def hostile(name: str, most: int = 4_000) -> str:
    """Return the worst text for a field, beginning with its name as `Qname`; it is remembered as written."""
    FIELDS.add(name)
    return f"Q{name}{WHOLE}"[:most]


def fill(world: World) -> Mapping[str, ToolCall]:
    """Write into every field; return calls by what became of them."""
    agent = steps.external_agent(world)
    found = {"pending": _ask(world, "path"), "plain": steps.ask(world)}
    found |= {"edited": _edited(world), "rejected": _rejected(world), "broken": _broken(world), "lost": _settled(world)}
    found |= {"succeeded": _run(world, ok=True), "failed": _run(world, ok=False)}
    found["unknown"], found["malformed"] = _denied(world)
    _people(world)
    Agent.objects.filter(pk=agent.pk).update(
        name=ELEMENTS[:64],
        environment=ELEMENTS[:64],
        system_prompt=WHOLE,  # names are slugs at the door
    )
    halts.set_halt(actor=steps.operator(), agent=agent, reason=hostile("halt"))
    return {name: ToolCall.objects.get(pk=call.pk) for name, call in found.items()}


def _begin(world: World) -> AgentRun:
    return runs.create(
        agent=Agent.objects.get(planner="external"), requester=steps.fresh(world.riley), goal=hostile("goal")
    )


def _ask(world: World, name: str) -> ToolCall:
    """Have the agent ask for a file with hostile arguments, and a preview that is no better."""
    text = hostile("content") + "\n" * 500 + " " * 900 + "the end"
    arguments = canonical.encode({"path": hostile(name, 1_024), "content": text})
    asked = ExternalCall("files.write", arguments, hostile("reason", 2_000))
    call = proposals.propose_external(_begin(world).pk, calls=[asked], text=hostile("turn")).tool_calls.get()
    preview = {"kind": "diff", "summary": hostile("summary"), "body": hostile("preview")}
    ToolCall.objects.filter(pk=call.pk).update(preview=canonical.encode(preview).decode(), preview_state="ready")
    return ToolCall.objects.get(pk=call.pk)


def _edited(world: World) -> ToolCall:
    call = _ask(world, "before")
    arguments = canonical.encode({"path": hostile("after", 1_024), "content": "x"})
    seen = steps.shown(call)
    return editing.edit(
        call.pk, actor=steps.fresh(world.sam), seen=seen, arguments=arguments, comment=hostile("edit", 2_000)
    )


def _rejected(world: World) -> ToolCall:
    call = steps.reject(_ask(world, "twin"), world.sam, comment=hostile("comment", 2_000))
    blocks.reopen(call.pk, actor=steps.fresh(world.ava), reason=hostile("reopen", 2_000))
    return call


def _broken(world: World) -> ToolCall:
    gus = person("gus", "break-glass")
    call = _ask(world, "glass")
    break_glass.break_glass(call.pk, actor=gus, seen=steps.shown(call), reason=hostile("emergency", 2_000))
    break_glass.review(Decision.objects.get(call=call).pk, actor=steps.fresh(world.sam), note=hostile("review", 2_000))
    return call


def _settled(world: World) -> ToolCall:
    call = make_tool_call("lost", run=None, version=make_tool_version("files.odd"), headline="Write odd")
    note = hostile("settled", 2_000)
    return tool_calls.settle(call.pk, actor=steps.fresh(world.sam), outcome="failed", note=note)


def _run(world: World, *, ok: bool) -> ToolCall:
    """Have a call approved and run; its tool answers, or fails, with hostile text, and so does the agent at its end."""
    call = steps.approve(_ask(world, "ran"), world.sam)
    steps.claim(call)
    output = canonical.encode({"text": hostile("result"), hostile("key", 200): 1}).decode() if ok else ""
    told = Result(ok, output, len(output), "0" * 64 if ok else "", False, "" if ok else "tool_error", hostile("error"))
    steps.run_to(call, result=told)
    runs.finish(call.run_id, actor=steps.fresh(world.author), answer=hostile("answer"))
    AgentRun.objects.filter(pk=call.run_id).update(problem=hostile("problem", 900))
    return call


def _denied(world: World) -> list[ToolCall]:
    """Have the agent ask for a tool that nobody knows, with arguments of unknown names, and for what is no JSON."""
    run = _begin(world)
    odd = canonical.encode({hostile("name", 200): hostile("value")})
    asked = [ExternalCall(hostile("tool", 200), odd, "x"), ExternalCall("files.write", hostile("raw").encode(), "x")]
    turn = proposals.propose_external(run.pk, calls=asked, text="")
    return list(turn.tool_calls.order_by("position"))


def _people(world: World) -> None:
    """Have people write, and their browsers, too."""
    now = clock.now()
    olga = person("olga", "approver")
    for name in ("olga", "riley", "ava", "sam"):
        User.objects.filter(username=name).update(first_name=hostile(name, 150), last_name=hostile("last", 150))
    week = {"starts_at": now, "ends_at": now + timedelta(days=7)}
    delegations.delegate(person=olga, delegate=steps.fresh(world.ava), reason=hostile("away", 500), **week)
    api_keys.create(world.ava, name=ELEMENTS[:100], scopes=api_keys.SCOPES, days=1)
    tokens.revoke(world.preauthorize().jti, person=world.ava, reason=hostile("revoked", 2_000))
    browser = {"User-Agent": f"Qbrowser {ELEMENTS} {LINKS}"}
    assert Client().post("/accounts/login/", {"login": "ava", "password": PASSWORD}, headers=browser).status_code == 302
