"""The inbox where calls are alike: one row, opened to a list; and as many queries for many rows as for few."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.approval import break_glass, waiting
from agents.models import ToolCall
from agents.views import alike
from tests.agents.pages import LIVE, client_of, text_of
from tests.agents.steps import fresh, shown
from tests.factories import make_agent, make_run, make_tool_call, make_tool_version, make_turn, make_user
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


def rows_of(client: Client, **query: str) -> list[str]:
    """Return the headlines of the calls in the inbox, from top to bottom."""
    page = client.get("/", query)
    return [row.call.headline for row in [*page.context["mine_rows"], *page.context["other_rows"]]]


def make_various() -> None:
    agents = {name: make_agent(name) for name in ("red", "blue")}
    for name, agent in agents.items():
        for tool in ("files.write", "email.send"):
            for risk in ("low", "high"):
                groups = ("approver",) if tool == "files.write" else ("legal",)
                make_tool_call(
                    run=make_run(agent=agent), version=make_tool_version(tool), risk=risk, groups=groups,
                    arguments={"path": risk},
                    headline=f"{name} {tool} {risk}",
                )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 8), ({"risk": "high"}, 4), ({"tool": "email.send"}, 4), ({"agent": "red"}, 4),
        ({"agent": "red", "risk": "low"}, 2), ({"agent": "red", "risk": "low", "tool": "email.send"}, 1),
        ({"agent": "", "risk": "", "tool": ""}, 8), ({"agent": "nobody"}, 0), ({"tool": "files.writ"}, 0),
        ({"risk": "grave"}, 0), ({"agent": "nul\0"}, 0), ({"tool": "x" * 500}, 0), ({"tool": "' OR 1=1 --"}, 0),
    ],
)  # fmt: skip
def test_filters_narrow_both_lists_and_the_page_says_to_what(query: dict[str, str], count: int) -> None:
    make_various()
    client = client_of(make_user("ava", "approver", "auditor"))
    found = rows_of(client, **query)
    assert len(found) == count
    assert all(value in headline for headline in found for value in query.values() if value)
    page = text_of(client.get("/", query))
    assert "(4) Inbox" in page
    if not count:
        assert "Nothing that waits for you matches." in page
        assert "4 wait for you." in page


def test_filters_are_kept_by_the_live_part_and_by_paging_and_offer_what_there_is() -> None:
    make_various()
    for number in range(41):
        make_tool_call(arguments={"path": str(number)}, risk="low", version=make_tool_version("slow.tool&x"))
    client = client_of(make_user("ava", "approver"))
    page = client.get("/", {"risk": "low", "tool": "slow.tool&x"})
    text = page.content.decode()
    assert 'hx-get="/?risk=low&amp;tool=slow.tool%26x"' in text
    assert 'href="?page=2&amp;tool=slow.tool%26x&amp;risk=low"' in text
    assert 'value="slow.tool&amp;x" selected' in text
    assert page.context["choices"].tools == ["email.send", "files.write", "slow.tool&x"][1:]
    second = client.get("/?page=3&tool=slow.tool%26x&risk=low")
    assert second.content.decode().count('class="row ') == 1


def test_who_does_not_see_a_call_is_not_offered_its_tool_or_agent() -> None:
    make_tool_call(run=make_run(agent=make_agent("secret")), version=make_tool_version("secret.tool"))
    page = client_of(make_user("eve")).get("/")
    assert b"secret" not in page.content


def test_only_calls_that_may_be_decided_together_can_be_chosen() -> None:
    fine, risky, two = make_tool_call(), make_tool_call(risk="high"), make_tool_call(needed=2)
    fresh_sign_in, others = make_tool_call(sign_in_minutes=5), make_tool_call(groups=("legal",), run=fine.run)
    page = client_of(make_user("ava", "approver")).get("/").content.decode()
    assert f'id="pick-{fine.pk}"' in page
    for call in (risky, two, fresh_sign_in, others):
        assert f'id="call-{call.pk}"' in page
        assert f'id="pick-{call.pk}"' not in page


def test_a_thousand_and_more_are_said_to_be_that(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (waiting, alike):
        monkeypatch.setattr(module, "MOST", 5)
    run = make_run()
    for number in range(7):
        make_tool_call(run=run, arguments={"path": str(number // 4)})
    page = client_of(make_user("ava", "approver")).get("/")
    assert "(4+) Inbox" in text_of(page)
    assert "and at least 3 more exactly like it" in text_of(page)
    assert page.content.decode().count('class="row ') == 2


def test_the_last_call_is_told_when_nothing_waits_and_only_to_who_sees_it() -> None:
    call = make_tool_call("rejected", headline="Write the last one")
    assert "Write the last one" in text_of(client_of(make_user("ava", "approver")).get("/"))
    assert "Write the last one" not in text_of(client_of(make_user("eve")).get("/"))
    assert "appears here by itself" in text_of(client_of(make_user("eva")).get("/"))
    assert call.status == "rejected"


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
