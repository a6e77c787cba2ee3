"""What a page looks up once: for pages that only show; whatever changes something looks every time."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from agents import visibility
from agents.views.door import Request, signed_in
from audit import clock
from audit.once import for_this_page, once_a_page
from tests.factories import groups_named, make_user


def test_outside_of_a_page_everything_is_looked_up_every_time_and_inside_once() -> None:
    looks: list[str] = []

    @once_a_page(lambda name: name.lower())
    def look(name: str) -> str:
        looks.append(name)
        return name

    assert [look("a"), look("a")] == ["a", "a"]
    assert len(looks) == 2
    with for_this_page():
        assert [look("b"), look("B"), look("c")] == ["b", "b", "c"]
    assert looks[2:] == ["b", "c"]
    look("b")
    assert looks[4:] == ["b"]


def test_what_fails_is_forgotten_too() -> None:
    with pytest.raises(RuntimeError), for_this_page():
        raise RuntimeError
    looks: list[int] = []
    look = once_a_page(lambda: None)(lambda: looks.append(1))
    look()
    look()
    assert len(looks) == 2


@pytest.mark.django_db
def test_a_page_has_one_time_and_everything_else_the_time_of_this_instant() -> None:
    with CaptureQueriesContext(connection) as every_time:
        assert clock.now() <= clock.now()
    with for_this_page(), CaptureQueriesContext(connection) as once:
        assert clock.now() == clock.now()
    assert (len(every_time), len(once)) == (2, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "known"), [("GET", False), ("HEAD", False), ("POST", True)])
def test_a_page_that_changes_something_sees_groups_as_they_are_at_that_moment(method: str, known: bool) -> None:
    user = make_user("ava")

    @signed_in
    def view(request: Request, /) -> HttpResponse:
        assert not visibility.group_names(request.user)
        user.groups.add(*groups_named("approver"))
        return HttpResponse(str("approver" in visibility.group_names(request.user)))

    request = RequestFactory().generic(method, "/")
    request.user = user
    assert view(request).content == str(known).encode()  # type: ignore[arg-type]
    assert visibility.group_names(user) == {"approver"}
