"""Versions of tools at the desk: what changes is shown before it is switched; and the past under another policy."""

from collections.abc import Iterator
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from policy import drafts, versions
from policy.models import ToolVersion
from tests.agents.pages import client_of, text_of
from tests.factories import make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
TOOLS, REPLAY = "/admin/policy/toolversion/", "/admin/policy/replay/"
SCHEMA = {"type": "object", "additionalProperties": False, "properties": {"path": {"type": "string"}}}
ASK = {"requirements": [{"count": 1, "groups": ["a"]}]}
RULE = {"name": "write", "match": {"tools": ["files.write"]}, "review": ASK}


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def desk() -> Client:
    return client_of(make_user("ava", is_staff=True, is_superuser=True))


def switch(version: ToolVersion, action: str, **more: object) -> dict[str, object]:
    return {"action": action, "_selected_action": [str(version.pk)], "index": "0"} | more


def test_what_a_version_changes_is_shown_before_it_is_enabled(desk: Client) -> None:
    make_tool_version("files.write", schema=SCHEMA)
    new = make_tool_version("files.write", state="disabled", schema=SCHEMA, risk="high", headline="\u202eWrite")
    for page in (desk.get(f"{TOOLS}{new.pk}/change/"), desk.post(TOOLS, switch(new, "enable"))):
        said = " ".join(text_of(page).split())
        assert "risk medium high" in said and "⟦U+202E⟧ Write" in said
        assert "which is enabled" in said
    assert ToolVersion.objects.get(pk=new.pk).state == "disabled"
    desk.post(TOOLS, switch(new, "enable", confirmed="yes", seen=str(new.pk)))
    assert ToolVersion.objects.filter(state="enabled").count() == 2


def test_only_what_was_shown_is_switched(desk: Client) -> None:
    shown, other = (make_tool_version(f"files.{name}", state="disabled") for name in ("read", "write"))
    both = {"action": "enable", "_selected_action": [str(shown.pk), str(other.pk)], "confirmed": "yes"}
    desk.post(TOOLS, both | {"seen": str(shown.pk)})
    assert list(ToolVersion.objects.filter(state="enabled")) == [shown]


def test_disabling_says_which_open_calls_end_and_ends_them(desk: Client) -> None:
    call = make_tool_call()
    assert call.tool_version
    page = desk.post(TOOLS, switch(call.tool_version, "disable"))
    assert "1 open call will be denied" in text_of(page)
    call.refresh_from_db()
    assert call.status == "pending", "the first post only shows"
    desk.post(TOOLS, switch(call.tool_version, "disable", confirmed="yes", seen=str(call.tool_version.pk)))
    call.refresh_from_db()
    assert call.status == "denied"
    again = desk.post(TOOLS, switch(call.tool_version, "disable"), follow=True)
    assert "None of the selected versions needs that" in text_of(again)


def test_a_reader_of_tools_has_no_switch() -> None:
    version = make_tool_version(state="disabled")
    reader = make_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_toolversion"))
    client = client_of(reader)
    page = client.get(f"{TOOLS}{version.pk}/change/")
    assert page.status_code == 200 and "Enable…" not in page.content.decode()
    client.post(TOOLS, switch(version, "enable", confirmed="yes", seen=str(version.pk)))
    assert ToolVersion.objects.get().state == "disabled"


def test_the_replay_page_asks_looks_and_changes_nothing(desk: Client) -> None:
    make_tool_version("files.write", schema=SCHEMA)
    drafts.save_rule(RULE, editor=make_user("wren"))
    before = drafts.text()
    assert "Look" in text_of(desk.get(REPLAY))
    looked = text_of(desk.get(f"{REPLAY}?policy=draft&days=30"))
    assert "0 of 0 calls would have another outcome" in " ".join(looked.split())
    assert (drafts.text(), versions.active()) == (before, None)


def test_a_call_that_the_draft_would_deny_is_listed_with_the_way_to_it(desk: Client) -> None:
    text = {"type": "string"}
    version = make_tool_version("files.write", schema=SCHEMA | {"properties": {"path": text, "content": text}})
    call = make_tool_call(version=version, headline="Write \u202ex")
    drafts.save_rule(
        {"name": "never", "match": {"tools": ["files.*"]}, "deny": {"message": "Not <b>now</b>."}},
        editor=make_user("wren"),
    )
    page = desk.get(f"{REPLAY}?policy=draft&days=1")
    assert "1 of 1 calls would have another outcome" in " ".join(text_of(page).split())
    html = page.content.decode()
    assert f"/approvals/{call.pk}/" in html and "Not &lt;b&gt;now&lt;/b&gt;." in html and "\u202e" not in html


@pytest.mark.parametrize(
    ("query", "words"),
    [("days=0", "greater than or equal to 1"), ("days=731", "less than or equal to 730"), ("days=x", "whole number"),
     ("days=", "required"), ("days=1&policy=9", "no such version"), ("days=1&policy=%00", "Null characters")],
)  # fmt: skip
def test_bad_questions_to_the_past_are_told_at_the_box(desk: Client, query: str, words: str) -> None:
    answer = desk.get(f"{REPLAY}?{query}")
    assert answer.status_code == 200 and words in text_of(answer)


def test_the_past_is_for_those_who_read_policies() -> None:
    stranger = make_user("stranger", is_staff=True)
    assert client_of(stranger).get(REPLAY).status_code == 403
    assert client_of(make_user("riley")).get(REPLAY).status_code == 302
    stranger.user_permissions.set(Permission.objects.filter(codename="view_policyversion"))
    assert client_of(stranger).get(f"{REPLAY}?days=1").status_code == 200
