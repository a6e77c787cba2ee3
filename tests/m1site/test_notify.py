"""Real messages: Apprise to servers on this machine, hostile words, servers that fail, and what nobody may read."""

import json
from email import message_from_string, policy
from pathlib import Path

import pytest
from pytest_django import Settings

from agents.models import Notification, NotificationTarget
from agents.notifications import attempts, calling, sending
from agents.notifications.tasks import NOT_MINE, notify
from tests.agents import steps
from tests.agents.steps import ask, propose
from tests.m1site.telling import at_once, send, url
from tests.targets import HttpTarget, SmtpTarget, tell
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
MAIL = {"to": ["bob@example.com"], "subject": "Invoice", "body": "The body of it, account 4711"}


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    settings.M1_NOTIFY_ADDRESSES = ()
    settings.M1_URL = "https://m1.example.com"
    return make_world(tmp_path)


def test_a_webhook_is_told_the_facts_and_the_way_and_nothing_else(world: World, http: HttpTarget) -> None:
    tell([url(http)])
    call = ask(world, "email.send", MAIL)
    assert send() == {"1 JSON": True}
    (told,) = http.told
    assert told["title"] == "M1 asks for a decision (high risk)" and told["attachments"] == []
    for fact in ("Invoice", "bob@example.com", "Risk: high", "agent outsider, for riley", "Expires:"):
        assert fact in told["message"]
    assert f"https://m1.example.com/approvals/{call.pk}/" in told["message"]
    for body in ("4711", "It is due.", "I need this.", "Tidy up", call.arguments_digest):
        assert body not in json.dumps(told)
    assert Notification.objects.get().state == "sent" and send() == {"1 JSON": False}
    assert len(http.told) == 1


def test_mail_is_plain_text_to_everybody_who_is_named(world: World, smtp: SmtpTarget) -> None:
    tell([smtp.url])
    ask(world, "email.send", MAIL | {"subject": "<b>Hi</b> https://evil.com\r\nBcc: x@evil.com"})
    assert send() == {"1 E-Mail": True}
    mails = [message_from_string(one, policy=policy.default) for one in smtp.mail]
    assert {mail["To"] for mail in mails} == {"ava@example.com", "sam@example.com"}
    for mail in mails:
        assert mail["Subject"] == "M1 asks for a decision (high risk)" and mail["Bcc"] is None
        (part,) = [one for one in mail.walk() if not one.is_multipart()]
        text = part.get_content()
        assert part.get_content_type() == "text/plain"
        assert "‹b›Hi‹/b› https: //evil[.]com⟦U+000D⟧⟦U+000A⟧Bcc: x@evil.com" in text


@pytest.mark.parametrize("scheme", ["json", "xml", "form"])
def test_hostile_words_arrive_disarmed_by_every_kind_of_webhook(world: World, http: HttpTarget, scheme: str) -> None:
    sent: list[str] = []
    http.http.RequestHandlerClass.do_POST = _keeping(sent)  # type: ignore[attr-defined]
    tell([url(http, scheme)])
    ask(
        world,
        "email.send",
        MAIL | {"subject": "<!everyone> @here [x](https://evil.com) \u202e</Message><x/>\nRisk: low"},
    )
    assert list(send().values()) == [True]
    (body,) = sent
    assert "evil.com" not in body and "<!everyone" not in body and "@here" not in body and "\u202e" not in body
    assert body.count("Risk:") + body.count("Risk%3A") == 2 and "</Message><x" not in body


def _keeping(sent: list[str]) -> object:
    def do_post(handler: object) -> None:
        length = int(handler.headers["content-length"])  # type: ignore[attr-defined]
        sent.append(handler.rfile.read(length).decode())  # type: ignore[attr-defined]
        handler.send_response(204)  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]

    return do_post


def test_twenty_calls_of_one_turn_are_one_message_with_a_count(world: World, http: HttpTarget) -> None:
    tell([url(http)])
    propose(steps.external_run(world), *[("files.write", {"path": f"{n}.txt", "content": ""}) for n in range(20)])
    send()
    assert [told["title"] for told in http.told] == ["M1: 20 decisions asked for (up to medium risk)"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, "answered 500"), (404, "answered 404"), (302, "answered 302"), (0, "could not be reached")],
)
def test_a_server_that_fails_is_named_with_no_word_of_its_own_and_tried_again(
    world: World, http: HttpTarget, status: int, error: str
) -> None:
    http.status = status
    tell([url(http) if status else "json://user:hunter2@127.0.0.1:1/hooks/secret-path"])
    ask(world)
    assert send() == {"1 JSON": False}
    row = Notification.objects.get()
    assert (row.state, row.attempts, row.error) == ("waiting", 1, error)
    http.status = 200
    at_once()
    assert send() == {"1 JSON": bool(status)}
    assert not any("sent again" in told["message"] for told in http.told), "it had said no"


def test_a_server_that_hangs_is_left_in_time_and_may_be_told_twice(
    world: World, http: HttpTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_SECONDS", 0.2)
    http.open.clear()
    tell([url(http)])
    ask(world)
    assert send() == {"1 JSON": False}
    assert Notification.objects.get().error == sending.TOO_SLOW
    http.open.set()
    at_once()
    assert send() == {"1 JSON": True}
    assert ["sent again" in told["message"] for told in http.told] == [False, True]


def test_who_shares_an_address_with_somebody_unknown_is_not_told_for_hours(world: World, smtp: SmtpTarget) -> None:
    smtp.refused = b"sam@"
    tell([smtp.url])
    ask(world)
    for _ in range(2 * attempts.MOST_UNCLEAR):
        send()
        at_once()
    assert ["sent again" in mail for mail in smtp.mail] == [False, True, True, True, True]
    assert calling.give_up_due() == 1


def test_two_targets_know_nothing_of_each_other(world: World, http: HttpTarget, smtp: SmtpTarget) -> None:
    http.status = 500
    tell([url(http), smtp.url])
    ask(world)
    assert send() == {"1 JSON": False, "2 E-Mail": True}
    assert set(Notification.objects.values_list("target__label", "state")) == {
        ("1 JSON", "waiting"), ("2 E-Mail", "sent")
    }  # fmt: skip


def test_what_is_called_at_the_same_time_is_sent_once(world: World, http: HttpTarget) -> None:
    tell([url(http)])
    ask(world)
    key = NotificationTarget.objects.get().pk
    assert attempts.take(key) is not None
    for forged in (str(key), "nonsense", 7, None, "01890000-0000-7000-8000-000000000001"):
        notify(forged)
    assert http.told == []


@pytest.mark.parametrize("role", ["web", "planner", "executor"])
def test_no_other_role_sends_even_if_it_is_called(
    world: World, http: HttpTarget, settings: Settings, role: str
) -> None:
    tell([url(http)])
    ask(world)
    settings.M1_ROLE = role
    notify(str(NotificationTarget.objects.get().pk))
    assert http.told == []


def test_a_worker_that_does_not_know_the_address_says_so(world: World, http: HttpTarget, settings: Settings) -> None:
    tell([url(http)])
    ask(world)
    settings.M1_NOTIFY_ADDRESSES = ()
    send()
    assert Notification.objects.get().error == NOT_MINE
