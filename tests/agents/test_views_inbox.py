"""The inbox where calls are alike: one row, opened to a list; and as many queries for many rows as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import break_glass
from agents.models import ToolCall
from tests.agents.pages import LIVE, client_of, text_of
from tests.agents.steps import fresh, shown
from tests.factories import make_agent, make_run, make_tool_call, make_turn, make_user
from tests.world import person

pytestmark = pytest.mark.django_db


def test_calls_of_one_agent_that_ask_for_the_same_are_one_row_that_opens_to_all_of_them() -> None:
    agent, client = make_agent(), client_of(make_user("ava", "approver"))
    turns = [make_turn(make_run(agent=agent)) for _ in range(3)]
    same = [make_tool_call(turn=turn, arguments={"path": "a"}) for turn in turns for _ in range(2)]
    other = [make_tool_call(turn=turns[0], arguments={"path": "b"}), make_tool_call(arguments={"path": "a"})]
    page = client.get("/").content.decode()
    assert page.count('class="row ') == 3 and "(8) Inbox" in page
    assert page.count("and 5 more exactly like it") == 1
    listed = client.get(f"/?like={same[0].pk}")
    assert all(f'id="call-{call.pk}"' in listed.content.decode() for call in same)
    assert not any(f'id="call-{call.pk}"' in listed.content.decode() for call in other)
    assert "Each is decided by itself." in text_of(client.get(f"/?like={same[0].pk}", headers=LIVE))


def test_the_riskiest_and_soonest_group_stands_on_top_and_pages_cut_groups() -> None:
    client, turn = client_of(make_user("ava", "approver")), make_turn()
    for number in range(22):
        for _ in range(2):
            make_tool_call(turn=turn, arguments={"path": str(number)}, risk="low" if number % 2 else "high")
    first, second, last = (client.get(f"/?page={number}").content.decode() for number in (1, 2, "99999"))
    assert (first.count('class="row '), second.count('class="row ')) == (20, 2)
    assert second == last or last.count('class="row ') == 2
    assert first.rindex('class="row high') < first.index('class="row low')


def test_a_page_that_does_not_exist_is_the_nearest_that_does() -> None:
    client = client_of(make_user("ava", "approver"))
    make_tool_call()
    for odd in ("x", "-1", "0", "1.5", "9" * 30, "²", "7"):
        assert b'class="row ' in client.get("/", {"page": odd, "others": odd, "lost": odd}).content, odd


@pytest.mark.parametrize("like", ["", "x", "0" * 32, "nul\0"])
def test_alike_to_what_one_cannot_see_is_alike_to_nothing(like: str) -> None:
    call, eve = make_tool_call(), client_of(make_user("eve"))
    assert eve.get("/", {"like": like}).status_code == 404
    assert eve.get("/", {"like": str(call.pk)}).status_code == 404


def test_what_is_decided_leaves_the_list_of_its_like() -> None:
    call, client = make_tool_call(), client_of(make_user("ava", "approver"))
    ToolCall.objects.filter(pk=call.pk).update(status="expired", ended_at=call.created_at)
    assert "None of them waits any more." in text_of(client.get(f"/?like={call.pk}"))


def test_many_rows_of_every_kind_take_as_many_queries_as_few() -> None:
    ava, omar = make_user("ava", "approver", "auditor"), person("omar", "break-glass")
    client, counts = client_of(ava), []

    def more(number: int) -> None:
        make_tool_call(arguments={"path": str(number)}, groups=("approver",))
        make_tool_call(arguments={"path": str(number)}, groups=("legal",))
        make_tool_call("lost")
        call = make_tool_call(needed=2)
        break_glass.break_glass(call.pk, actor=fresh(omar), seen=shown(call), reason="It burns here.")

    for numbers in (range(1), range(1, 6)):
        for number in numbers:
            more(number)
        client.get("/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
