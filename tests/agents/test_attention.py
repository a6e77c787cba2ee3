"""What is on record about how somebody looked: what was shown, for how long, in focus, what they opened, and where."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from agents.approval import attention, opened, shown_facts
from agents.approval.seen import Seen
from agents.approval.shown_facts import EXPANDABLE, Shown
from agents.forms.decision import RejectForm
from agents.models import AgentRun, Decision, ToolCall
from audit import canonical, clock
from audit.models import AuditPayload
from m1site.accounts.models import User
from tests.agents.pages import LIVE, answer_to, client_of, path_of
from tests.factories import decide, make_tool_call, make_tool_version, make_user
from tests.m1site.rest import Rest

pytestmark = pytest.mark.django_db
SHOWN = Shown("a" * 64, 12)
DAYS_30 = 30 * 24 * 3600


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def ava() -> User:
    return make_user("ava", "approver")


@pytest.fixture
def approver(ava: User) -> Client:
    return client_of(ava)


def mark_on(page: Any) -> str:
    """Return what the forms of a page are signed with."""
    (found,) = set(re.findall(r'name="opened" value="([^"]+)"', page.content.decode()))
    return str(found)


def read(call: ToolCall, person: User, mark: str) -> opened.Opened:
    known = opened.read(mark, request_id=call.pk, person=person, digest=call.arguments_digest, round_=call.round)
    assert known is not None
    return known


def shown_to(person: User, call: ToolCall) -> Shown:
    shown = read(call, person, mark_on(client_of(person).get(path_of(call)))).shown
    assert shown is not None
    return shown


def test_an_answer_keeps_what_the_server_showed_and_what_the_client_reports(approver: Client, ava: User) -> None:
    call = make_tool_call(arguments={"path": "x", "content": "secret-content"})
    mark = mark_on(approver.get(path_of(call)))
    reported = {"focus_seconds": "0.0", "expanded": "raw arguments raw"}
    approver.post(path_of(call), answer_to(call, "approve", approver, opened=mark, **reported))
    row, shown = Decision.objects.get(), read(call, ava, mark).shown
    assert shown is not None and (row.shown_digest, row.shown_bytes) == (shown.digest, shown.bytes)
    assert (row.focus_seconds, row.expanded, row.surface) == (0, ["arguments", "raw"], "web")
    body = bytes(AuditPayload.objects.get(event__action="tool_call.vote").body)
    told = json.loads(body)
    assert (told["shown_digest"], told["shown_bytes"]) == (shown.digest, shown.bytes)
    assert (told["focus_seconds"], told["expanded"], told["surface"]) == ("0.0", ["arguments", "raw"], "web")
    assert b"secret-content" not in body


@pytest.mark.parametrize(
    ("open_seconds", "focus", "expected"),
    [(10.0, 4.0, (10, 4)), (10.0, 99.0, (10, 10)), (10.0, -1.0, (10, 0)), (10.0, float("nan"), (10, None)),
     (10.0, float("inf"), (10, None)), (10.0, None, (10, None)), (None, 7.0, (None, 7)), (None, 1e12, (None, DAYS_30)),
     (1e12, 1e13, (DAYS_30, DAYS_30)), (0.04, 0.04, (0, 0)), (-5.0, 3.0, (0, 0)), (float("nan"), 3.0, (None, 3))],
)  # fmt: skip
def test_what_a_client_reports_is_bounded_by_what_the_server_knows(
    open_seconds: float | None, focus: float | None, expected: tuple[float | None, float | None]
) -> None:
    columns = attention.of(Seen("", 1, "web", open_seconds=open_seconds, focus_seconds=focus))
    assert (columns["open_seconds"], columns["focus_seconds"]) == expected


@pytest.mark.parametrize(
    "reported",
    [{"focus_seconds": "x"}, {"focus_seconds": "-1"}, {"focus_seconds": "nan"}, {"focus_seconds": "inf"},
     {"focus_seconds": "1e99"}, {"expanded": "password"}, {"expanded": "arguments,raw"}, {"expanded": "raw " * 60},
     {"expanded": "<script>"}],
)  # fmt: skip
def test_a_report_that_no_page_makes_is_refused(ava: User, reported: dict[str, str]) -> None:
    call = make_tool_call()
    form = RejectForm(answer_to(call, "reject", ava, comment="No.", **reported), person=ava, call=call)
    assert form.errors.keys() == reported.keys()


def test_and_then_nothing_is_recorded(approver: Client) -> None:
    call = make_tool_call()
    wrong = answer_to(call, "reject", approver, comment="No.", expanded="password")
    assert approver.post(path_of(call), wrong).status_code == 400 and not Decision.objects.exists()


def test_the_database_keeps_the_bounds_too(ava: User) -> None:
    call = make_tool_call()
    for wrong in ({"open_seconds": 5, "focus_seconds": 6}, {"shown_digest": "a" * 64}):
        with pytest.raises(IntegrityError), transaction.atomic():
            decide(call, ava, **wrong)
    decide(call, ava, open_seconds=5, focus_seconds=5, shown_digest="a" * 64, shown_bytes=1)


def change_call(**fields: Any) -> Any:
    return lambda call: ToolCall.objects.filter(pk=call.pk).update(**fields)


PREVIEW = json.dumps({"kind": "text", "summary": "", "body": "It deletes all."})
CHANGES = {
    "headline": change_call(headline="Write another"),
    "risk": change_call(risk="high"),
    "words of the agent": change_call(reason="Trust me."),
    "preview": change_call(preview=PREVIEW, preview_state="ready"),
    "expiry": lambda call: ToolCall.objects.update(expires_at=clock.now() + timedelta(days=2)),
    "goal": lambda call: AgentRun.objects.filter(pk=call.run_id).update(goal="Tidy up everything"),
    "cost": lambda call: AgentRun.objects.filter(pk=call.run_id).update(cost_usd="1.25"),
    "a vote": lambda call: decide(call, make_user("sam", "approver")),
    "a call of the tool": lambda call: make_tool_call("rejected"),
    "tool switched off": lambda call: type(call.tool_version).objects.update(state="disabled"),
}


def test_whatever_else_is_shown_has_another_digest(ava: User) -> None:
    call = make_tool_call(needed=2)
    seen = {shown_to(ava, call): "as it was"}
    assert shown_to(ava, call) in seen, "the same facts, later"
    for what, change in CHANGES.items():
        change(call)
        now = shown_to(ava, call)
        assert now not in seen, f"{what}: as {seen.get(now)}"
        seen[now] = what


def test_who_sees_less_was_shown_something_else_and_shorter() -> None:
    ada, omar = make_user("ada", "approver"), make_user("omar", "operator")
    version = make_tool_version(sensitive_arguments=["password"])
    call = make_tool_call(version=version, arguments={"password": "hunter2" * 20})
    call.refresh_from_db()
    with_bodies, without = shown_to(ada, call), glance(omar, call)
    assert with_bodies.digest != without.digest and with_bodies.bytes > without.bytes + 140


def glance(person: User, call: ToolCall) -> Shown:
    """Return what a person is shown who has no form to send."""
    found = re.search(r'data-opened="([^"]+)"', client_of(person).get(path_of(call)).content.decode())
    assert found
    shown = read(call, person, found[1]).shown
    assert shown is not None
    return shown


def test_nobody_guesses_arguments_from_the_digest() -> None:
    facts = {"password": "0000"}
    found = shown_facts.of(facts)
    plain = canonical.encode(facts)
    assert found.bytes == len(plain) and found.digest != canonical.digest(plain)


def test_a_live_part_tells_the_forms_what_is_shown_by_now_and_keeps_since_when(approver: Client, ava: User) -> None:
    call = make_tool_call(needed=2)
    began = clock.now() - timedelta(minutes=3)
    mark = opened.mark(call, ava, began, SHOWN)
    path = f"{path_of(call)}?seen=pending.1.{call.arguments_digest[:12]}.yes"
    first = approver.get(path, headers=LIVE | {"M1-Opened": mark})
    decide(call, make_user("sam", "approver"))
    second = approver.get(path, headers=LIVE | {"M1-Opened": mark})
    marks = [re.findall(r'data-opened="([^"]+)"', page.content.decode())[0] for page in (first, second)]
    known = [read(call, ava, one) for one in marks]
    assert [one.at for one in known] == [began, began]
    assert known[0].shown != known[1].shown and SHOWN not in (known[0].shown, known[1].shown)
    again = LIVE | {"M1-Opened": marks[1], "If-None-Match": second["ETag"]}
    assert approver.get(path, headers=again).status_code == 304


@pytest.mark.parametrize("mark", ["", "x", "another's", "another round"])
def test_a_live_part_takes_no_mark_that_is_not_for_this_person_and_call(approver: Client, ava: User, mark: str) -> None:
    call, sam = make_tool_call(), make_user("sam", "approver")
    another = ToolCall(pk=call.pk, arguments_digest=call.arguments_digest, round=2)
    made = {"another's": opened.mark(call, sam), "another round": opened.mark(another, ava)}
    path = f"{path_of(call)}?seen=pending.1.{call.arguments_digest[:12]}.yes"
    page = approver.get(path, headers=LIVE | {"M1-Opened": made.get(mark, mark)})
    assert b'data-opened=""' in page.content


def test_over_rest_the_mark_says_what_was_shown_and_for_how_long(ava: User) -> None:
    call = make_tool_call()
    rest = Rest(ava)
    told = rest.get(f"tool-calls/{call.pk}").json()
    seen = {"argumentsDigest": call.arguments_digest, "round": 1, "shownMark": told["shownMark"], "openSeconds": 99}
    forged = opened.mark(call, make_user("eve", "approver"))
    for mark in ("", "x", forged):
        assert rest.post(f"tool-calls/{call.pk}/approve", seen | {"shownMark": mark}).status_code == 400
    for wrong in ({"focusSeconds": "3"}, {"focusSeconds": -1}, {"expanded": ["password"]}, {"expanded": "raw"}):
        assert rest.post(f"tool-calls/{call.pk}/approve", seen | wrong).status_code == 400
    assert not Decision.objects.exists()
    answer = rest.post(f"tool-calls/{call.pk}/approve", seen | {"focusSeconds": 50, "expanded": ["raw"]})
    assert answer.status_code == 200
    row, shown = Decision.objects.get(), read(call, ava, told.pop("shownMark")).shown
    assert shown is not None and (row.shown_digest, row.shown_bytes) == (shown.digest, shown.bytes)
    assert row.open_seconds is not None and row.open_seconds < 60 and row.focus_seconds == row.open_seconds
    assert shown == shown_facts.of(told | {"shownMark": ""})


def test_how_somebody_looked_is_for_them_and_for_who_oversees(ava: User) -> None:
    call = make_tool_call(needed=2)
    decide(call, ava, open_seconds=9, focus_seconds=4, expanded=["raw"], shown_digest="b" * 64, shown_bytes=70)
    for person, sees in ((ava, True), (make_user("aud", "auditor"), True), (make_user("sam", "approver"), False)):
        (told,) = Rest(person).get(f"tool-calls/{call.pk}").json()["decisions"]
        assert (told["openSeconds"], told["focusSeconds"]) == ((9.0, 4.0) if sees else (None, None))
        assert told["expanded"] == (["raw"] if sees else None)
        assert (told["shownDigest"], told["shownBytes"]) == ("b" * 64, 70), "that says nothing about anybody's haste"


def test_the_closed_list_of_parts_is_what_the_page_has(approver: Client) -> None:
    names = set()
    for call in (make_tool_call(), make_tool_call("succeeded")):
        names |= set(re.findall(r'data-part="(\w+)"', approver.get(path_of(call)).content.decode()))
    assert names <= set(EXPANDABLE) and set(EXPANDABLE) - names <= {"turn", "rounds"}
