"""The admin shows what others wrote with its hidden characters marked, in every list and on every row."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import CharField, Model, TextField
from django.test import Client

from agents.models import Decision, ToolCall
from policy.readonly import ReadOnlyAdmin
from tests.agents.pages import client_of
from tests.factories import decide, make_tool_call, make_user

pytestmark = pytest.mark.django_db
HIDDEN = "gnp\u202eexe\u200b"
MARKED = "gnp⟦U+202E⟧exe⟦U+200B⟧"
DESKS = [model for model, desk in admin.site._registry.items() if isinstance(desk, ReadOnlyAdmin)]


@pytest.fixture
def desk() -> Client:
    return client_of(make_user("ava", "approver", is_staff=True, is_superuser=True))


def texts(model: type[Model]) -> set[str]:
    """Return the fields of a model that hold text of any kind and length that the mark needs."""
    return {
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField) and not field.choices and (field.max_length or 999) >= 20
    }


def test_a_call_says_its_hidden_characters_in_the_lists_that_name_it(desk: Client) -> None:
    call = make_tool_call("succeeded", headline=HIDDEN, tool_name=HIDDEN)
    decide(call, make_user("sam", "approver", first_name=HIDDEN))
    for path in ("toolcall", "decision", "execution"):
        text = desk.get(f"/admin/agents/{path}/").content.decode()
        assert MARKED in text
        assert "\u202e" not in text
        assert "\u200b" not in text


@pytest.mark.parametrize("model", DESKS, ids=lambda model: model._meta.label_lower)
def test_every_text_that_a_desk_shows_is_marked(model: type[Model], rf: Any) -> None:
    """Asked of the columns themselves, since most of these rows cannot be made with such a text."""
    shown = admin.site._registry[model]
    row = model()
    for name in texts(model):
        setattr(row, name, HIDDEN)
    for column in (*shown.list_display, *(shown.fields or ())):
        assert column not in texts(model), f"{column} is shown as it was written"
        if callable(column) and column.__name__ in texts(model):
            told = column(row)
            assert "\u202e" not in told
            assert "U+202E" in told


def test_what_is_marked_still_sorts_and_leads_to_its_row(desk: Client) -> None:
    call = make_tool_call(tool_name=HIDDEN)
    text = desk.get("/admin/agents/toolcall/?o=3").content.decode()
    assert f"/admin/agents/toolcall/{call.pk}/change/" in text
    assert "tool name" in text.lower()
    assert ToolCall.objects.get().tool_name == HIDDEN
    assert Decision.objects.count() == 0
