"""A dangerous approval takes the name of the tool, typed by hand; no other name, no other answer."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from agents.approval import opened, typed_name
from agents.forms.decision import ApproveForm
from agents.models import Decision, ToolCall
from audit import clock
from m1site.accounts.models import User
from tests.agents.pages import answer_to, client_of, events_of, path_of, text_of
from tests.factories import make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
CALLS = "/admin/agents/toolcall/"
WRONG = [
    *("", " ", "payments", "payments.refun", "payments.refund2", "Payments.Refund", "payments_refund", "yes"),
    *("payments. refund", "p\u0430yments.refund", "payments.refund\u200b", "payments.refund payments.refund"),
]


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def approver() -> Client:
    return client_of(make_user("ava", "approver", "auditor", is_staff=True))


def refund(risk: str = "high", **fields: Any) -> ToolCall:
    return make_tool_call(version=make_tool_version("payments.refund", risk=risk), **fields)


@pytest.mark.parametrize(
    ("risk", "sign_in_minutes", "is_wanted"),
    [("low", None, False), ("medium", None, False), ("high", None, True), ("critical", None, True),
     ("high", 5, False), ("critical", 1, False), ("low", 5, False)],
)  # fmt: skip
def test_a_name_is_wanted_where_it_is_dangerous_and_no_sign_in_is_asked(
    approver: Client, risk: str, sign_in_minutes: int | None, is_wanted: bool
) -> None:
    call = refund(risk, sign_in_minutes=sign_in_minutes)
    assert typed_name.wanted(call) == ("payments.refund" if is_wanted else "")
    assert (b'name="named"' in approver.get(path_of(call)).content) == is_wanted
    confirmation = approver.post(CALLS, {"action": "approve", "_selected_action": str(call.pk)}).content
    assert (f'name="named_{call.pk}"'.encode() in confirmation) == is_wanted


def test_only_the_name_itself_is_the_name(approver: Client) -> None:
    call, ava = refund(), User.objects.get(username="ava")
    right = ["payments.refund", " payments.refund ", "payments.refund\t"]
    for typed in (*WRONG, *right):
        form = ApproveForm(answer_to(call, "approve", ava, named=typed), person=ava, call=call)
        assert form.is_valid() == (typed in right), typed


@pytest.mark.parametrize("typed", ["", "payments.refun"])
def test_a_wrong_name_records_nothing_and_what_was_typed_stays(approver: Client, typed: str) -> None:
    call = refund()
    response = approver.post(path_of(call), answer_to(call, "approve", approver, named=typed, comment="Is owed."))
    assert response.status_code == 400 and not Decision.objects.exists()
    page = response.content.decode()
    assert f'value="{typed}" required' in page and "Is owed." in page and 'aria-invalid="true"' in page
    assert page.count("Type payments.refund, letter by letter") == 2, "at the top of the page, and at the field"
    assert "tool_call.vote" not in events_of(call.pk)


def test_the_right_name_approves(approver: Client) -> None:
    call = refund()
    assert approver.post(path_of(call), answer_to(call, "approve", approver)).status_code == 303
    assert Decision.objects.get().answer == "approve"


@pytest.mark.parametrize("answer", ["reject", "stop"])
def test_a_no_takes_no_name(approver: Client, answer: str) -> None:
    call = refund("critical")
    said = answer_to(call, answer, approver, named="", comment="Not owed.")
    assert approver.post(path_of(call), said).status_code == 303
    assert Decision.objects.get().answer == "reject"


def test_breaking_the_glass_takes_the_name_too() -> None:
    omar = client_of(make_user("omar", "break-glass"))
    call, said = refund(), {"reason": "The house is on fire."}
    assert omar.post(path_of(call), answer_to(call, "break_glass", omar, named="", **said)).status_code == 400
    assert not Decision.objects.exists()
    assert omar.post(path_of(call), answer_to(call, "break_glass", omar, **said)).status_code == 303


def test_where_a_sign_in_is_asked_the_name_does_not_stand_in_for_it(approver: Client) -> None:
    call = refund(sign_in_minutes=5)
    response = approver.post(path_of(call), answer_to(call, "approve", approver, named="payments.refund"))
    assert response.status_code == 403 and "Prove it first" in text_of(response)
    assert not Decision.objects.exists()


def confirm(by: Client, *calls: ToolCall, answer: str = "approve", **names: str) -> Any:
    marks = {f"opened_{call.pk}": answer_to(call, answer, by)["opened"] for call in calls}
    seen = [f"{call.pk}:{call.round}:{call.arguments_digest}" for call in calls]
    chosen = {"action": answer, "confirmed": "yes", "_selected_action": [str(call.pk) for call in calls], "seen": seen}
    return by.post(CALLS, chosen | marks | {"comment": "Is owed.", "focus_seconds": "1.5"} | names)


def test_in_the_admin_one_wrong_name_records_no_answer_at_all(approver: Client) -> None:
    grave, plain = refund(), make_tool_call()
    for typed in ({}, {f"named_{grave.pk}": "payments"}, {f"named_{plain.pk}": "payments.refund"}):
        response = confirm(approver, grave, plain, **typed)
        assert response.status_code == 400 and not Decision.objects.exists()
        assert "letter by letter" in text_of(response) and "Is owed." in response.content.decode()
    assert 'value="payments"' in confirm(approver, grave, **{f"named_{grave.pk}": "payments"}).content.decode()
    assert confirm(approver, grave, plain, **{f"named_{grave.pk}": "payments.refund"}).status_code == 302
    assert Decision.objects.count() == 2


def test_in_the_admin_a_no_takes_no_name_and_time_runs_on_over_a_wrong_one(approver: Client) -> None:
    call, ava = refund(), User.objects.get(username="ava")
    mark = opened.mark(call, ava, clock.now() - timedelta(seconds=60))
    first = confirm(approver, call, **{f"opened_{call.pk}": mark, f"named_{call.pk}": "x"})
    again = {f"opened_{call.pk}": first.context["shown"][0]["opened"], f"named_{call.pk}": "payments.refund"}
    confirm(approver, call, **again)
    row = Decision.objects.get()
    assert row.open_seconds is not None and 60 <= row.open_seconds < 90
    assert confirm(approver, refund(), answer="reject").status_code == 302
