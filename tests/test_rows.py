"""Rows that are kept as text come back as they were, and are what the functions of M1 would write anew."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from m1site.accounts.models import User
from tests import rows
from tests.world import set_up

NEW_EACH_TIME = re.compile(
    r"[0-9a-f]{64}|[0-9a-f-]{36}|[0-9]{4}-[0-9-]{5}T[0-9:.]+\+00:00|\\\\x[0-9a-f]+|md5\$[^\"]+|\"\w*id\":[0-9]+"
    r"|\"xid\":\"[0-9]+"
)


@pytest.fixture(autouse=True)
def on_postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite nothing is kept")


def shapes() -> dict[str, list[str]]:
    """Return all rows without what differs from one making to the next: ids, times, digests, salts."""
    return {table: sorted(NEW_EACH_TIME.sub("", row) for row in found) for table, found in rows.read().items()}


def test_what_is_made_once_is_what_would_be_made_anew() -> None:
    riley, *_ = set_up()
    kept = shapes()
    assert User.objects.get(username="riley") == riley
    rows.put_back()
    set_up.__wrapped__()  # type: ignore[attr-defined]
    assert shapes() == kept


def test_two_worlds_share_nothing_that_a_test_may_change() -> None:
    first, *_ = set_up()
    first.username = "mallory"
    rows.put_back()
    second, *_ = set_up()
    assert (second.pk, second.username) == (first.pk, "riley")


@pytest.mark.django_db(transaction=True)
def test_whatever_a_test_did_the_tables_are_as_the_migrations_left_them() -> None:
    before = {table: sorted(found) for table, found in rows.read().items()}
    assert before["auth_permission"]
    set_up()
    Group.objects.create(name="another")
    Permission.objects.first().delete()  # type: ignore[union-attr]
    rows.put_back()
    assert {table: sorted(found) for table, found in rows.read().items()} == before
