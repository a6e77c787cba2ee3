"""The page of halts: who sees it, who sets and lifts them, and how loudly the other pages tell."""

from typing import Any

import pytest
from django.test import Client

from agents import halts
from agents.models import Halt
from policy.models import Tool
from tests.agents.pages import LIVE, client_of, path_of, text_of
from tests.agents.steps import ask, operator
from tests.factories import make_agent, make_tool_call, make_tool_version, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def halt(**on: Any) -> Halt:
    return halts.set_halt(actor=operator(), reason="Fire <b>drill</b>", **on)


def test_an_operator_halts_and_lifts_each_kind() -> None:
    client, agent = client_of(operator()), make_agent("demo")
    tool = make_tool_version().tool
    targets = {"everything": "Everything", f"agent:{agent.pk}": "Agent demo", f"tool:{tool.pk}": "Tool files.write"}
    for on, words in targets.items():
        assert client.post("/halts/", {"on": on, "reason": "Fire"}).status_code == 302
        row = halts.in_force().get()
        assert words in " ".join(text_of(client.get("/halts/")).split())
        assert client.post(f"/halts/{row.pk}/lift/").status_code == 302
        assert client.post(f"/halts/{row.pk}/lift/").status_code == 302, "a repeat"
        other = client_of(make_user("", "operator"))
        assert other.post(f"/halts/{row.pk}/lift/").status_code == 404, "it is lifted already"
    page = text_of(client.get("/halts/"))
    assert "Nothing is halted." in page and page.count("by omar") == len(targets)


@pytest.mark.parametrize(
    "bad", [{"on": ""}, {"on": "x"}, {"on": "agent:x"}, {"on": f"tool:{'0' * 32}"}, {"reason": ""}, {"reason": " "},
            {"reason": "x" * 3_000}, {"reason": "nul\0"}],
)  # fmt: skip
def test_a_malformed_halt_is_told_and_stops_nothing(bad: dict[str, str]) -> None:
    response = client_of(operator()).post("/halts/", {"on": "everything", "reason": "Fire"} | bad)
    assert response.status_code == 400 and "Nothing was halted." in text_of(response)
    assert not Halt.objects.exists()


@pytest.mark.parametrize(
    ("groups", "sees", "may"),
    [(("operator",), True, True), (("administrator",), True, True), (("auditor",), True, False),
     (("break-glass",), True, False), (("approver", "requester"), False, False), ((), False, False)],
)  # fmt: skip
def test_who_sees_the_page_and_who_may_halt(groups: tuple[str, ...], sees: bool, may: bool) -> None:
    row, client = halt(tool=make_tool_version().tool), client_of(make_user("una", *groups))
    page = client.get("/halts/")
    assert page.status_code == (200 if sees else 404)
    assert (b'name="on"' in page.content, b"/lift/" in page.content) == (may, may)
    assert ('href="/halts/"' in client.get("/").content.decode()) == sees
    refused = 403 if sees else 404
    assert client.post("/halts/", {"on": "everything", "reason": "x"}).status_code == (302 if may else refused)
    assert client.post(f"/halts/{row.pk}/lift/").status_code == (302 if may else refused)
    assert halts.in_force().count() == 1


def test_a_stop_on_everything_stands_on_every_page_and_in_the_call_and_goes_again() -> None:
    ava, call = client_of(make_user("ava", "approver")), make_tool_call()
    row = halt()
    own = (path_of(call), f"{path_of(call)}edit/", f"/runs/{call.run_id}/")
    for path in ("/", "/runs/", "/preauthorizations/", "/away/", *own):
        page = ava.get(path).content.decode()
        assert 'class="banner"' in page and "Fire &lt;b&gt;drill" in page, path
    assert "Everything is halted" in text_of(ava.get(path_of(call), headers=LIVE))
    assert 'class="banner"' not in Client().get("/accounts/login/").content.decode()
    halts.lift(row.pk, actor=operator())
    assert b'class="banner"' not in ava.get("/").content
    assert "halted" not in text_of(ava.get(path_of(call)))


@pytest.mark.parametrize(("on", "stops"), [("agent", True), ("tool", True), ("other tool", False)])
def test_a_call_says_that_it_is_halted_and_no_banner_stands_elsewhere(on: str, stops: bool, world: World) -> None:
    call, ava = ask(world), client_of(world.ava)
    tools = {"tool": Tool.objects.get(name="files.write"), "other tool": Tool.objects.get(name="files.list")}
    halt(**({"agent": call.run.agent} if on == "agent" else {"tool": tools[on]}))
    for live in ({}, LIVE):
        assert ("is halted: Fire" in text_of(ava.get(path_of(call), headers=live))) == stops
    assert b'class="banner"' not in ava.get("/").content
