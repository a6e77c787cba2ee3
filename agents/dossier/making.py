"""The dossier of a tool call: from the goal to the effect, with what proves each step, for somebody outside M1."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Prefetch
from django.utils.crypto import salted_hmac

from agents.actors import actor_of
from agents.dossier import events, parts
from agents.errors import NotFoundError
from agents.keyed_digests import PREFIX
from agents.models import Decision, ToolCall
from agents.visibility import calls_visible_to, may_view_bodies
from audit import canonical, clock, trail
from audit.canonical import JSON
from audit.plain import to_json

FORMAT = "M1 dossier 1"
SALT = "agents.dossier"
BESIDE = ("run__agent__owner", "run__requester", "turn", "tool_version__tool", "execution__settled_by")


@transaction.atomic(durable=True)
def make(request_id: UUID, *, actor: AbstractUser) -> dict[str, JSON]:
    """Return all that is on record about a call, as JSON, and write down that it was handed out, by its digest.

    Sensitive values are masked for everybody, and digests over them are keyed; arguments, results and previews are null
    for who may not read them, the facts of events for who may not read the trail. Raises NotFoundError for what the
    actor may not see.
    """
    call = _found(request_id, actor)
    keyed = _keyed(_secret_digests(call))
    facts = {"format": FORMAT, **_facts(call, actor, keyed)}
    found: dict[str, JSON] = {name: keyed(to_json(fact)) for name, fact in facts.items()}
    digest = canonical.digest(canonical.encode(found))
    trail.append("tool_call.dossier", actor=actor_of(actor), subject=f"tool_call:{call.pk}", digest=digest)
    return {**found, "digest": digest}


def _found(request_id: UUID, actor: AbstractUser) -> ToolCall:
    decisions = Decision.objects.select_related("token", "on_behalf_of", "review").order_by("created_at", "pk")
    rows = calls_visible_to(actor).select_related(*BESIDE).defer("turn__request", "turn__reply")
    rows = rows.prefetch_related("requirements__groups", "revisions__author", Prefetch("decisions", decisions))
    call = rows.filter(pk=request_id).first()
    if call is None:
        raise NotFoundError(thing="tool call")
    return call


def _facts(call: ToolCall, actor: AbstractUser, keyed: Callable[[JSON], JSON]) -> dict[str, Any]:
    may_view, tokens = may_view_bodies(actor, call), parts.tokens_of(call)
    return {
        "madeAt": clock.now(), "madeFor": actor.get_username(), "readMe": events.WHAT_PROVES_WHAT,
        "withheld": parts.withheld(call, actor, may_view),
        "run": parts.run_of(call), "turn": parts.turn_of(call), "call": parts.call_of(call),
        "tool": parts.tool_of(call), "revisions": parts.revisions_of(call, may_view),
        "preview": parts.preview_of(call, may_view), "verdicts": parts.verdicts_of(call),
        "rounds": parts.rounds_of(call, actor),
        "tokens": [parts.token_of(row, actor) for row in tokens],
        "execution": parts.execution_of(call, may_view),
        "events": events.of(call, [row.pk for row in tokens], actor, keyed),
    }  # fmt: skip


def _secret_digests(call: ToolCall) -> frozenset[str]:
    """Return the digests from which somebody could guess a sensitive value."""
    declared = call.tool_version.declared if call.tool_version else {}
    found = {one.digest for one in call.revisions.all()} if declared.get("sensitive_arguments") else set()
    execution = getattr(call, "execution", None)
    if declared.get("sensitive_results") and execution and not execution.output_digest.startswith(PREFIX):
        found.add(execution.output_digest)
    return frozenset(found - {""})


def _keyed(secret: Collection[str]) -> Callable[[JSON], JSON]:
    """Return what puts a keyed digest, the same for the same one, in the place of each of the secret digests."""
    instead = {one: f"{PREFIX}{salted_hmac(SALT, one, algorithm='sha256').hexdigest()}" for one in secret}

    def walk(value: JSON) -> JSON:
        if isinstance(value, dict):
            return {name: walk(item) for name, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        return instead.get(value, value) if isinstance(value, str) else value

    return walk
