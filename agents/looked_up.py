"""What an approval and a claim look up once they hold their locks, put to the database in one round trip each."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet

from agents import halts, principals, visibility
from agents.approval import eligibility, rounds, standing
from agents.models import ToolCall, ToolCallRevision
from audit.prepared import Ask, at_once, prepared
from policy import allowlist, versions


@contextmanager
def for_approval(call: ToolCall, person: AbstractUser) -> Iterator[None]:
    """Look up what a person's yes to a locked call depends on; the votes are counted anew once it is among them."""
    with at_once(
        *_about(call),
        (eligibility.answers, (call.pk, call.round)),
        (eligibility.names_asked, (call.pk, call.round)),
        (visibility.names_of_groups, (person.pk,)),
    ):
        yield


@contextmanager
def for_claim(call: ToolCall) -> Iterator[None]:
    """Look up what the claim of a locked call depends on, but for the groups of those who said yes."""
    run = call.run
    with at_once(
        *_about(call),
        (halts.stopping, (run.agent_id, call.tool_name)),
        (revisions, (call.pk, call.revision)),
        (visibility.names_of_groups, (run.requester_id,)),
        (allowlist.versions_enabled, (call.tool_name,)),
        (versions.newest, ()),
        (rounds.rows_given, (call.pk, call.round)),
        (standing.tokens_of, (call.pk, call.round)),
    ):
        yield


@prepared(UUID, int)
def revisions(call_id: UUID, number: int) -> QuerySet[ToolCallRevision]:
    """Say one revision of a call's arguments."""
    return ToolCallRevision.objects.filter(call=call_id, number=number)


def _about(call: ToolCall) -> list[Ask]:
    return [
        (principals.behind, principals.keys_of(call.run)),
        (eligibility.authors, (call.pk, call.revision, call.arguments_digest)),
        (rounds.rows_asked, (call.pk, call.round)),
    ]
