"""One asking of people: what a round requires, who answered, whether that is enough."""

from datetime import timedelta

from django.contrib.auth import get_user_model

from agents import quorum
from agents.eligibility import standing
from agents.models import Decision, Requirement, RequirementGroup, ToolCall
from agents.visibility import group_names
from policy import verdict


def begin(call: ToolCall, asked: verdict.Verdict) -> None:
    """Freeze what the verdict asks as the requirements of the call's current round."""
    for one in asked.requirements:
        row = Requirement.objects.create(call=call, round=call.round, count=one.count)
        RequirementGroup.objects.bulk_create(
            RequirementGroup(requirement=row, name=name) for name in sorted(one.groups)
        )


def opening(asked: verdict.Verdict) -> timedelta:
    """Return how long people have."""
    return timedelta(minutes=asked.open_minutes)


def requirements(call: ToolCall) -> list[verdict.Requirement]:
    """Return what the current round asks."""
    rows = call.requirements.filter(round=call.round).prefetch_related("groups")
    return [verdict.Requirement(row.count, frozenset(row.group_names)) for row in rows]


def voters(call: ToolCall) -> dict[object, frozenset[str]]:
    """Return the groups of everyone who approved in this round and still counts; standing is looked up now."""
    people = get_user_model().objects.filter(
        decisions__call=call, decisions__round=call.round, decisions__answer=Decision.Answer.APPROVE,
        decisions__digest_seen=call.arguments_digest,
    )  # fmt: skip
    return {person.pk: group_names(person) for person in people if not standing(call, person)}


def missing(call: ToolCall) -> int:
    """Return how many more people the round needs, at least."""
    return quorum.missing(requirements(call), voters(call))
