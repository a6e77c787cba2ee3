"""Pages of lists that nobody counts to their end."""

import pytest

from agents.models import Agent
from agents.views import paging
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def agents(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        make_agent(f"agent-{number}")


@pytest.mark.parametrize(
    ("most", "text", "rows", "number", "has_next", "pages"),
    [
        (1000, None, "0123", 1, True, 3), (1000, "", "0123", 1, True, 3), (1000, "2", "4567", 2, True, 3),
        (1000, "3", "89", 3, False, 3), (1000, "4", "89", 3, False, 3), (1000, "999999", "89", 3, False, 3),
        (1000, "x", "0123", 1, True, 3), (1000, "-1", "0123", 1, True, 3), (1000, "²", "0123", 1, True, 3),
        (1000, "9" * 30, "0123", 1, True, 3), (1000, "0", "0123", 1, True, 3),
        (8, None, "0123", 1, True, None), (8, "2", "4567", 2, True, None), (8, "3", "89", 3, False, None),
        (8, "7", "4567", 2, True, None),
    ],
)  # fmt: skip
def test_the_page_is_the_nearest_that_exists(
    monkeypatch: pytest.MonkeyPatch, most: int, text: str | None, rows: str, number: int, has_next: bool,
    pages: int | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(paging, "MOST", most)
    found = paging.page(Agent.objects.order_by("name"), text, 4)
    assert [one.name[-1] for one in found.rows] == list(rows)
    assert (found.number, found.has_next, found.pages) == (number, has_next, pages)
    assert (found.previous, found.next) == (number - 1 or None, number + 1 if has_next else None)


def test_nothing_is_one_empty_page() -> None:
    found = paging.page(Agent.objects.none(), "3", 4)
    assert (list(found.rows), found.number, found.has_next, found.pages) == ([], 1, False, 1)
