"""What lists read about a call that waits: whom it asks, whose it is, and what it is exactly like.

Requirements, decisions and revisions stay what counts. This is written beside them, so that an inbox is one walk along
one index, however many calls wait.
"""

from collections.abc import Collection

from agents.models import AskedGroup, RunGroup, ToolCall
from audit import canonical
from audit.once import once_a_page

FIELDS = ["agent", "requester", "asked_key", "like_key"]
_LENGTH = 32  # of a SHA-256 in hexadecimal: 128 bits


def tell(call: ToolCall, names: Collection[str]) -> None:
    """Write down that the call's present round asks these groups, all of its requirements taken together."""
    asked, run = sorted(set(names)), call.run
    call.agent_id, call.requester_id = run.agent_id, run.requester_id
    call.asked_key = digest(asked)
    call.like_key = like_key(call)
    call.save(update_fields=FIELDS)
    _insert_missing(call, asked)


def like_key(call: ToolCall) -> str:
    """Return what calls of one agent have in common that ask for exactly the same."""
    return digest([str(call.run.agent_id), call.tool_name, call.arguments_digest])


@once_a_page(lambda groups: frozenset(groups))
def keys_of(groups: Collection[str]) -> list[str]:
    """Return the keys of the sets in which one of the groups is: whose members a round with that key asks."""
    return sorted(set(AskedGroup.objects.filter(name__in=groups).values_list("key", flat=True))) if groups else []


def digest(words: Collection[str]) -> str:
    """Return the key of texts in their order."""
    return canonical.digest(canonical.encode(list(words)))[:_LENGTH]


def _insert_missing(call: ToolCall, names: Collection[str]) -> None:
    """Look first: nearly always the rows are there, and a proposal waits for nobody else's transaction."""
    known = set(AskedGroup.objects.filter(key=call.asked_key, name__in=names).values_list("name", flat=True))
    new = [AskedGroup(key=call.asked_key, name=name) for name in names if name not in known]
    AskedGroup.objects.bulk_create(new, ignore_conflicts=True)
    known = set(RunGroup.objects.filter(run=call.run_id, name__in=names).values_list("name", flat=True))
    asked = [RunGroup(run_id=call.run_id, name=name) for name in names if name not in known]
    RunGroup.objects.bulk_create(asked, ignore_conflicts=True)
