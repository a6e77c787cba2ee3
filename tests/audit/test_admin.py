"""The admin finds and shows events; no address and no form of it writes one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audit import trail
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db

LIST = "admin:audit_auditevent_changelist"


@pytest.fixture
def event() -> AuditEvent:
    """One event, with a payload that would like to be more than text."""
    return trail.append(
        "tool_call.rejected", actor="system:cli", subject="tool_call:42", comment="<b>no</b> \u202egnp.exe\x1b{% now %}"
    )


def page(event: AuditEvent) -> str:
    """Return the event's page."""
    return reverse("admin:audit_auditevent_change", args=[event.pk])


FOUND = [
    ({}, True),
    ({"action": "tool_call"}, True),
    ({"action": "run"}, False),
    ({"actor": "system"}, True),
    ({"actor": "user"}, False),
    ({"q": "tool_call:42"}, True),
    ({"q": "rejected"}, True),
    ({"q": "tool_call:43"}, False),
    ({"created_at__year": "2001"}, False),
]


@pytest.mark.parametrize(("query", "found"), FOUND)
def test_events_are_found(admin_client: Client, event: AuditEvent, query: dict[str, str], found: bool) -> None:
    answer = admin_client.get(reverse(LIST), query)
    assert answer.status_code == 200
    assert (str(event.pk) in answer.content.decode()) is found


@pytest.mark.parametrize("query", [{"action": "%"}, {"actor": "us"}, {"action": "nothing.here"}])
def test_an_unknown_filter_filters_nothing(admin_client: Client, event: AuditEvent, query: dict[str, str]) -> None:
    assert str(event.pk) in admin_client.get(reverse(LIST), query).content.decode()


def test_the_page_shows_the_payload_as_text_with_nothing_hidden(admin_client: Client, event: AuditEvent) -> None:
    shown = admin_client.get(page(event)).content.decode()
    assert "&lt;b&gt;no&lt;/b&gt; \\u202egnp.exe\\u001b{% now %}" in shown
    assert "\u202e" not in shown
    assert shown.count("icon-yes") == 2
    assert 'name="_save"' not in shown


def test_the_page_says_so_when_something_was_edited(
    admin_client: Client, event: AuditEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "mac_is_valid", lambda event: False)
    monkeypatch.setattr(trail, "payload_is_valid", lambda event, payload: False)
    assert admin_client.get(page(event)).content.decode().count("icon-no") == 2


def test_nothing_can_be_written(admin_client: Client, event: AuditEvent) -> None:
    before = list(AuditEvent.objects.values())
    change, delete = page(event), reverse("admin:audit_auditevent_delete", args=[event.pk])
    attempts = {
        reverse("admin:audit_auditevent_add"): {"action": "run.created"},
        change: {"action": "run.created"},
        delete: {"post": "yes"},
        reverse(LIST): {"action": "delete_selected", "_selected_action": str(event.pk), "post": "yes"},
    }
    answers = [admin_client.post(address, form).status_code for address, form in attempts.items()]
    assert answers[:3] == [403, 403, 403]
    assert list(AuditEvent.objects.values()) == before
    assert admin_client.get(reverse("admin:audit_auditevent_add")).status_code == 403
    assert admin_client.get(delete).status_code == 403


def test_without_the_permission_there_is_nothing_to_see(client: Client, event: AuditEvent) -> None:
    assert client.get(reverse(LIST)).status_code == 302
    assert client.get(page(event)).status_code == 302
