"""How often one may be wrong at the door: exactly so often, whatever runs at once, and nobody is shut out by others."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from limits import RateLimitItemPerMinute

from audit.models import AuditEvent
from m1site.accounts import known_browser, limiting
from m1site.accounts.limiting import PER_ADDRESS, SharedLimiter, TooManyAttemptsError
from m1site.accounts.models import LimitWindow, User
from tests.agents.pages import text_of
from tests.factories import PASSWORD, make_user
from tests.m1site.doors import CONFIRM, STEP_TWO, code, entered, events, give_password, is_in, recovery_codes, with_app

ROUNDS = max(1, int(os.environ.get("M1_RACE_ROUNDS", "200")) // 200)
FIVE = RateLimitItemPerMinute(5, 15, namespace="test")
NOWHERE = "redis://127.0.0.1:1/0"
QUICK = {"socket_connect_timeout": 0.2, "retry": None}


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Do something in many threads at the same moment, each with its own connection; return what came back."""
    barrier, told = threading.Barrier(count), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            told.append(work(number))
        except TooManyAttemptsError as exc:
            told.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two be the most, of everything but tries from one address."""
    for name in ("PER_ACCOUNT", "PER_BROWSER", "PER_FACTOR", "PER_START"):
        monkeypatch.setattr(limiting, name, RateLimitItemPerMinute(2, 15, namespace=name))


def passed(told: list[object]) -> int:
    return sum(not isinstance(one, TooManyAttemptsError) for one in told)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["table", "redis", "redis away"])
def test_exactly_as_many_pass_as_may_whatever_runs_at_once(where: str, redis_url: str) -> None:
    url = {"table": "", "redis": redis_url, "redis away": NOWHERE}[where]
    limiter = SharedLimiter(url, QUICK if url == NOWHERE else {})
    for round_ in range(ROUNDS):
        assert passed(at_once(12, lambda _: limiter.take(FIVE, f"round-{round_}"))) == 5  # noqa: B023 - run in the round
    assert LimitWindow.objects.exists() is (where != "redis")


@pytest.mark.django_db(transaction=True)
def test_what_is_given_back_can_be_taken_again_and_nothing_more(redis_url: str) -> None:
    for limiter in (SharedLimiter(), SharedLimiter(redis_url)):
        for _ in range(30):
            limiter.take(FIVE, "right").give_back()
        for _ in range(5):
            limiter.take(FIVE, "right")
        for _ in range(4):  # what is refused does not count: not against the person, and not for the window
            with pytest.raises(TooManyAttemptsError):
                limiter.take(FIVE, "right")
        limiter.give_back(FIVE, "right")
        limiter.take(FIVE, "right")
        with pytest.raises(TooManyAttemptsError):
            limiter.take(FIVE, "right")


@pytest.mark.django_db(transaction=True)
def test_twelve_guesses_of_a_password_at_once_are_ten() -> None:
    make_user("ava")
    told = at_once(12, lambda _: give_password(Client(), password="guess").status_code)
    assert sorted(map(str, told)) == ["200"] * 10 + ["429"] * 2
    assert events() == ["sign_in_failed"] * 10


@pytest.mark.django_db(transaction=True)
def test_one_code_given_four_times_at_once_opens_one_session() -> None:
    ava = with_app(make_user("ava"))
    clients = [Client() for _ in range(4)]
    for client in clients:
        give_password(client)
    used = code()
    at_once(4, lambda number: clients[number].post(STEP_TWO, {"code": used}).status_code)
    assert [is_in(client) for client in clients].count(True) == 1
    spare = recovery_codes(ava)[0]
    clients = [Client() for _ in range(4)]
    for client in clients:
        give_password(client)
    at_once(4, lambda number: clients[number].post(STEP_TWO, {"code": spare}).status_code)
    assert [is_in(client) for client in clients].count(True) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ava", "nobody"])
def test_too_many_wrong_passwords_get_a_page_and_an_event_whether_there_is_such_an_account_or_not(name: str) -> None:
    make_user("ava")
    for typed in (name, name.upper(), f" {name} ") * 3:
        limiting.take_password(typed, "127.0.0.1")
    assert give_password(Client(), name, "no").status_code == 200
    for password in ("no", PASSWORD):  # the right one, too: else the answer would tell
        answer = give_password(Client(), name, password)
        assert answer.status_code == 429
        assert 1 <= int(answer["Retry-After"]) <= 900
        assert "Too many wrong passwords or codes. Wait 15 min" in text_of(answer)
    told = AuditEvent.objects.get(action="attack.refused")
    assert (told.actor, told.subject) == ("system:door", "path:/accounts/login/")
    assert not any(name in key for key in LimitWindow.objects.values_list("key", flat=True))


@pytest.mark.django_db
def test_a_limit_ends_with_its_window_however_much_is_tried_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("ava")
    few(monkeypatch)
    for _ in range(5):
        give_password(Client(), password="no")
    assert give_password(Client()).status_code == 429
    LimitWindow.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert give_password(Client()).status_code == 302


@pytest.mark.django_db
def test_strangers_cannot_shut_a_person_out_of_the_browser_that_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("ava")
    few(monkeypatch)
    mine = entered()
    mine.post("/accounts/logout/")
    assert [give_password(Client(), password="no").status_code for _ in range(3)] == [200, 200, 429]
    assert give_password(mine).status_code == 302
    assert is_in(mine)
    copied = Client()
    copied.cookies[settings.M1_KNOWN_BROWSER_COOKIE] = mine.cookies[settings.M1_KNOWN_BROWSER_COOKIE].value
    statuses = [give_password(copied, password="no").status_code for _ in range(3)]
    assert statuses == [200, 200, 429], "a cookie that was copied has its own count, and no more"


@pytest.mark.parametrize(
    "cookie", ["", "x", "W10:1:x", "é", "a" * 5000, signing.dumps(["x", "y"])],
    ids=["none", "text", "parts", "letter", "long", "signed by another part"],
)  # fmt: skip
def test_a_made_up_cookie_is_a_strangers(cookie: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[settings.M1_KNOWN_BROWSER_COOKIE] = cookie
    assert known_browser.of(request, "ava") == ""


def test_a_browser_is_known_for_one_account_and_for_half_a_year() -> None:
    response, request = HttpResponse(), RequestFactory().get("/")
    known_browser.mark(response, "ava")
    request.COOKIES[settings.M1_KNOWN_BROWSER_COOKIE] = response.cookies[settings.M1_KNOWN_BROWSER_COOKIE].value
    assert known_browser.of(request, " AVA ")
    assert known_browser.of(request, "eve") == ""
    with time_machine.travel(datetime.now(UTC) + timedelta(days=181)):
        assert known_browser.of(request, "ava") == ""


@pytest.mark.django_db
def test_one_address_may_be_wrong_about_many_names_so_often_and_right_as_often_as_it_likes() -> None:
    make_user("ava")
    for number in range(PER_ADDRESS.amount):
        limiting.take_password(f"name{number}", "192.0.2.7")
        assert number or give_password(Client(), REMOTE_ADDR="192.0.2.7").status_code == 302
    assert give_password(Client(), REMOTE_ADDR="192.0.2.7").status_code == 429
    assert give_password(Client(), REMOTE_ADDR="192.0.2.8").status_code == 302
    assert LimitWindow.objects.get(key__contains=limiting.name_key("ava")).count == 0, "nor is it counted against her"


@pytest.mark.django_db
def test_beginning_to_sign_in_by_a_passkey_is_limited_since_it_makes_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)
    login = "/accounts/2fa/webauthn/login/"
    statuses = [Client().get(login, headers={"Accept": "application/json"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::2:0:0:1", "2001:db8::/64"),
        ("", "unknown"), ("somewhere", "unknown"),
    ],
)  # fmt: skip
def test_an_address_counts_as_what_one_customer_has(address: str, network: str) -> None:
    assert limiting.network_of(address) == network


def wrong_step_two(client: Client) -> int:
    return client.post(STEP_TWO, {"code": "000000"}).status_code


def wrong_confirmation(client: Client) -> int:
    return client.post(CONFIRM, {"code": "000000"}).status_code


def wrong_old_password(client: Client) -> int:
    form = {"oldpassword": "no", "password1": "x", "password2": "x"}
    return client.post("/accounts/password/change/", form).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("guess", [wrong_step_two, wrong_confirmation, wrong_old_password])
def test_second_factors_and_old_passwords_cannot_be_guessed_either(
    guess: Callable[[Client], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch)
    ava = with_app(make_user("ava"))
    client = Client() if guess is wrong_step_two else entered()
    if guess is wrong_step_two:
        give_password(client)
    assert [guess(client) for _ in range(3)] == [200, 200, 429]
    assert events("second_factor_added", "signed_in") == ["sign_in_failed"] * 2
    assert User.objects.get(pk=ava.pk).check_password(PASSWORD)


@pytest.mark.django_db
def test_confirming_by_password_is_limited_like_a_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("ava")
    few(monkeypatch)
    client = entered()
    statuses = [client.post("/accounts/reauthenticate/", {"password": "no"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.django_db
def test_windows_that_ended_long_ago_are_forgotten() -> None:
    storage = SharedLimiter().table.storage
    storage.incr("old", 60)
    LimitWindow.objects.update(ends_at=timezone.now() - timedelta(hours=2))
    assert (storage.get("old"), storage.incr("new", 60), storage.get("new")) == (0, 1, 1)
    assert list(LimitWindow.objects.values_list("key", flat=True)) == ["new"]
    assert storage.get_expiry("new") > storage.get_expiry("gone")
    storage.clear("new")
    assert (storage.check(), storage.reset()) == (True, 0)
