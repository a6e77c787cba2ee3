"""The parts of a dossier, each as JSON under the names that REST uses."""

from collections import defaultdict
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db.models import Q

from agents.api import shown
from agents.dossier import events
from agents.models import Decision, ToolCall, ToolCallRevision
from agents.scopes import naming
from audit import canonical
from policy import jwt, scope_words
from policy.jwt import TokenRefusedError
from policy.models import ApprovalToken, PolicyCheck

SEE_TOKENS = "policy.view_approvaltoken"


def withheld(call: ToolCall, actor: AbstractUser, may_view: bool) -> list[str]:
    """Return, in sentences, what is not in this person's dossier though it is on record."""
    declared = call.tool_version.declared if call.tool_version else {}
    said = [
        (may_view, "Arguments, preview, result and the tool's own words: you may not read them."),
        (not declared.get("sensitive_arguments") and not declared.get("sensitive_results"),
         "Sensitive values are masked with their length, and digests over them are keyed with a secret of M1."),
        (events.may_read(actor), "The facts of events: who oversees may read them. Their digests are here."),
        (actor.has_perm(shown.OVERSIGHT), "How others looked before they decided: who oversees may read it."),
        (False, "The texts of tokens and the wire messages to and from the model are in no dossier."),
    ]  # fmt: skip
    return [sentence for is_here, sentence in said if not is_here]


def run_of(call: ToolCall) -> dict[str, Any]:
    """Return the goal, who asked, and the agent as it was frozen, by digest."""
    run = call.run
    return {
        "id": run.pk, "goal": run.goal, "requester": run.requester.get_username(), "agent": run.agent.name,
        "agentOwner": run.agent.owner.get_username(), "environment": run.environment, "planner": run.planner,
        "configDigest": canonical.digest(run.config.encode()), "status": run.status, "endReason": run.end_reason,
        "costUsd": run.cost_usd, "budgetUsd": run.budget_usd, "createdAt": run.created_at, "endedAt": run.ended_at,
    }  # fmt: skip


def turn_of(call: ToolCall) -> dict[str, Any]:
    """Return the planner's reply in which the call was asked for."""
    turn = call.turn
    return {
        "number": turn.number, "text": turn.text, "stopReason": turn.stop_reason, "model": turn.model,
        "messageId": turn.message_id, "providerRequestId": turn.provider_request_id, "isScripted": turn.is_scripted,
        "costUsd": turn.cost_usd, "createdAt": turn.created_at,
    }  # fmt: skip


def call_of(call: ToolCall) -> dict[str, Any]:
    """Return the call as it is now."""
    return {
        "requestId": call.pk, "tool": call.tool_name, "headline": call.headline, "risk": call.risk,
        "reason": call.reason, "status": call.status, "note": call.note, "revision": call.revision,
        "round": call.round, "argumentsDigest": call.arguments_digest, "createdAt": call.created_at,
        "expiresAt": call.expires_at, "approvedAt": call.approved_at, "endedAt": call.ended_at,
    }  # fmt: skip


def tool_of(call: ToolCall) -> dict[str, Any] | None:
    """Return the definition that the call is bound to; None for a tool that M1 does not know."""
    version = call.tool_version
    if version is None:
        return None
    return {"name": version.tool.name, "digest": version.digest, "state": version.state, "declared": version.declared}


def revisions_of(call: ToolCall, may_view: bool) -> list[dict[str, Any]]:
    """Return the arguments as they were written each time, sensitive ones masked."""
    return [
        {
            "number": one.number, "author": one.author.get_username() if one.author else "agent",
            "digest": one.digest, "bytes": len(one.arguments), "createdAt": one.created_at,
            "arguments": shown.written(call, one) if may_view else None,
        }
        for one in sorted(call.revisions.all(), key=_number)
    ]  # fmt: skip


def preview_of(call: ToolCall, may_view: bool) -> dict[str, Any]:
    """Return what the tool said that it would do."""
    return {"state": call.preview_state, "said": shown.preview(call) if may_view else None}


def verdicts_of(call: ToolCall) -> list[dict[str, Any]]:
    """Return what policy said each time that it was asked, oldest first."""
    rows = PolicyCheck.objects.filter(request_id=call.pk).select_related("policy_version").order_by("created_at", "pk")
    return [
        {
            "phase": row.phase, "outcome": row.outcome, "verdict": row.verdict, "toolDigest": row.tool_digest,
            "argumentsDigest": row.arguments_digest, "microseconds": row.microseconds, "createdAt": row.created_at,
            "policy": {"number": row.policy_version.number, "digest": row.policy_version.digest}
            if row.policy_version else None,
        }
        for row in rows
    ]  # fmt: skip


def rounds_of(call: ToolCall, actor: AbstractUser) -> list[dict[str, Any]]:
    """Return whom each round asked, and what they answered."""
    rounds: dict[int, dict[str, Any]] = defaultdict(lambda: {"asked": [], "decisions": []})
    for asked in call.requirements.all():
        rounds[asked.round]["asked"].append({"count": asked.count, "groups": asked.group_names})
    for row in call.decisions.all():
        rounds[row.round]["decisions"].append(_decision(row, actor))
    return [{"number": number, **rounds[number]} for number in sorted(rounds)]


def _decision(row: Decision, actor: AbstractUser) -> dict[str, Any]:
    review = getattr(row, "review", None)
    found = {
        "person": row.person_name, "answer": row.answer, "kind": row.kind, "surface": row.surface,
        "comment": row.comment, "digestSeen": row.digest_seen, "isSelfApproval": row.is_self_approval,
        "onBehalfOf": row.on_behalf_of.get_username() if row.on_behalf_of else None,
        "token": row.token.jti if row.token else None, "createdAt": row.created_at,
        "shownDigest": row.shown_digest, "shownBytes": row.shown_bytes,
        "review": {"person": review.person_name, "note": review.note, "createdAt": review.created_at}
        if review else None,
    }  # fmt: skip
    if shown.may_view_haste(actor, row):
        seconds = {"openSeconds": row.open_seconds, "focusSeconds": row.focus_seconds}
        found |= {name: None if one is None else f"{one:.1f}" for name, one in seconds.items()}
        found |= {"expanded": row.expanded}
    return found


def tokens_of(call: ToolCall) -> list[ApprovalToken]:
    """Return what was signed for the call, and the pre-authorisation that it ran on."""
    mine = Q(request_id=call.pk) | Q(pk__in=[row.token_id for row in call.decisions.all() if row.token_id])
    return list(ApprovalToken.objects.filter(mine).select_related("person").order_by("issued_at", "jti"))


def token_of(row: ApprovalToken, actor: AbstractUser) -> dict[str, Any]:
    """Return the claims of a token, and whether its signature holds; never its text."""
    return {
        "jti": row.jti, "kind": row.kind, "person": row.person.get_username(), "kid": row.kid,
        "issuer": jwt.ISSUER, "audience": jwt.AUDIENCE[row.kind], "round": row.round, "issuedAt": row.issued_at,
        "expiresAt": row.expires_at, "usedAt": row.used_at, "revokedAt": row.revoked_at, "uses": row.uses,
        "maxUses": row.max_uses, "signatureIsGenuine": _is_genuine(row),
        "scope": scope_words.scope_of(row) if _may_see_scope(row, actor) else None,
    }  # fmt: skip


def execution_of(call: ToolCall, may_view: bool) -> dict[str, Any] | None:
    """Return who ran it on what token, and what came of it; None for what never ran."""
    row = getattr(call, "execution", None)
    if row is None:
        return None
    return {
        "worker": row.claimed_by, "token": row.token_id, "startedAt": row.started_at, "finishedAt": row.finished_at,
        "tries": row.tries, "outputBytes": row.output_bytes, "outputDigest": row.output_digest,
        "isTruncated": row.is_truncated, "errorCode": row.error_code, "error": row.error if may_view else None,
        "result": shown.result(call) if may_view else None,
        "settledBy": row.settled_by.get_username() if row.settled_by else None,
    }  # fmt: skip


def _number(row: ToolCallRevision) -> int:
    return row.number


def _is_genuine(row: ApprovalToken) -> bool:
    """Tell whether a key of M1's has signed what the row says, be it over or not."""
    try:
        claims = jwt.read(row.kind, row.token)
    except TokenRefusedError:
        return False
    said = (claims.jti, claims.person_id, claims.issued_at, claims.expires_at, canonical.encode(claims.scope).decode())
    return said == (row.jti, row.person_id, row.issued_at, row.expires_at, row.scope)


def _may_see_scope(row: ApprovalToken, actor: AbstractUser) -> bool:
    """Tell whether a person may read what a token covers: of one signed for the call, whoever sees the call."""
    if row.kind == ApprovalToken.Kind.EXECUTION or row.person_id == actor.pk or actor.has_perm(SEE_TOKENS):
        return True
    return ApprovalToken.objects.filter(naming(actor), pk=row.pk).exists()
