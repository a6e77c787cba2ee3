"""Where failures of notifications are seen, who may send again, and what nobody may read anywhere."""

import json
import logging
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from agents.models import Notification, NotificationTarget
from agents.notifications import attempts, calling
from audit.models import AuditEvent, AuditPayload
from m1site.logs import LineFormatter
from tests.agents.pages import text_of
from tests.agents.steps import ask, events
from tests.m1site.desk import desk_of
from tests.m1site.telling import SECRETS, at_once, m1, send, url
from tests.targets import HttpTarget, SmtpTarget, tell
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
ADMIN = "/admin/agents/notification/"


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    settings.M1_NOTIFY_ADDRESSES = ()
    settings.M1_URL = "https://m1.example.com"
    return make_world(tmp_path)


class Lines(logging.Handler):
    """Everything that any logger writes, as M1 would write it."""

    def __init__(self) -> None:
        super().__init__(0)
        self.setFormatter(LineFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def test_no_secret_is_in_a_log_an_event_a_row_or_a_page(
    world: World, http: HttpTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    try:
        http.status = 500
        tell([url(http), "jsons://user:hunter2@127.0.0.1:1/hooks/secret-path", url(http, "xml")])
        ask(world)
        assert len([taken for taken in send().values() if not taken]) == 3
        Notification.objects.update(give_up_at=attempts.clock.now())
        assert calling.give_up_due() == 3
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert any("answered 500" in line for line in handler.lines)
    client = desk_of("omar", "operator", "administrator", "auditor")
    pages = [client.get(path).content.decode() for path in ("/admin/", ADMIN, "/admin/agents/notificationtarget/")]
    rows = [str(list(model.objects.values())) for model in (Notification, NotificationTarget, AuditEvent)]
    bodies = [bytes(one.body).decode() for one in AuditPayload.objects.all()]
    told = [m1("check", "notifications").output, *capfd.readouterr()]
    for text in (*handler.lines, *pages, *rows, *bodies, *told):
        assert not [secret for secret in SECRETS if secret in text], text
    assert http.paths and "hunter2 is refused" not in str(rows)


def failed(world: World, http: HttpTarget) -> Notification:
    """Return what was given up."""
    tell([url(http)])
    ask(world)
    http.status = 500
    send()
    Notification.objects.update(give_up_at=attempts.clock.now())
    assert calling.give_up_due() == 1
    return Notification.objects.get()


def test_a_failure_is_seen_on_the_desk_and_sent_again_from_there(world: World, http: HttpTarget) -> None:
    row = failed(world, http)
    omar = desk_of("omar", "operator")
    assert "Notifications do not arrive" in text_of(omar.get("/admin/"))
    assert "1 JSON" in text_of(omar.get(f"{ADMIN}?state__exact=failed"))
    chosen = {"action": "send_again", "_selected_action": [str(row.pk)]}
    assert "1 will be sent again" in text_of(omar.post(ADMIN, chosen, follow=True))
    assert events(row.call_id)[-2:] == ["notification.failed", "notification.retried"]
    http.status = 200
    at_once()
    assert send() == {"1 JSON": True}
    assert "only what was given up" in text_of(omar.post(ADMIN, chosen, follow=True))
    assert "Notifications do not arrive" not in text_of(omar.get("/admin/"))


@pytest.mark.parametrize("groups", [("auditor",), ("approver",), ("requester",)])
def test_others_look_at_most(world: World, http: HttpTarget, groups: tuple[str, ...]) -> None:
    row = failed(world, http)
    client: Client = desk_of("someone", *groups)
    client.post(ADMIN, {"action": "send_again", "_selected_action": [str(row.pk)]})
    row.refresh_from_db()
    assert row.state == "failed"
    for path in ("", f"{row.pk}/change/", f"{row.pk}/delete/", "add/"):
        assert client.post(ADMIN + path, {"post": "yes"}).status_code in (200, 302, 403, 404)
    assert Notification.objects.filter(pk=row.pk, state="failed").exists()


def test_the_operator_s_check_says_what_is_wrong(world: World, http: HttpTarget) -> None:
    assert json.loads(m1("check", "notifications", "--json").output)["status"] == "disabled"
    tell([url(http)])
    assert (m1("check", "notifications").exit_code, m1("check", "notifications").output) == (0, "1 JSON: ok\n")
    NotificationTarget.objects.update(calls=5, called_at=attempts.clock.now())
    assert "warning: 1 JSON: no worker comes" in m1("check", "notifications").output
    NotificationTarget.objects.all().delete()
    failed(world, http)
    told = m1("check", "notifications")
    assert told.exit_code == 1 and told.output.startswith("warning: 1 JSON: answered 500, since ")


def test_the_operator_tries_every_target(world: World, http: HttpTarget, smtp: SmtpTarget) -> None:
    assert m1("notify", "test").exit_code == 2
    tell([url(http), smtp.url])
    told = m1("notify", "test", "--json")
    assert told.exit_code == 0
    assert [(row["target"], row["result"]) for row in json.loads(told.output)] == [
        ("1 JSON", "sent"), ("2 E-Mail", "sent")
    ]  # fmt: skip
    assert http.told[0]["title"] == "M1: a trial"
    http.status = 500
    told = m1("notify", "test")
    assert told.exit_code == 1 and "answered 500" in told.output and not [one for one in SECRETS if one in told.output]


def test_the_operator_ends_it(world: World, http: HttpTarget) -> None:
    tell([url(http)])
    assert "1 JSON" in m1("notify", "off").output
    ask(world)
    assert not Notification.objects.exists()
