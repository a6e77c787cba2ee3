"""The names of all events: what the trail can say, and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """One name per thing that happens; a name once used is never given another meaning."""

    RUN_CREATED = "run.created"
    RUN_RESUMED = "run.resumed"
    RUN_WAITING = "run.waiting"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    TURN_RECORDED = "turn.recorded"

    TOOL_CALL_DENIED = "tool_call.denied"
    TOOL_CALL_PENDING = "tool_call.pending"
    TOOL_CALL_PREAUTHORIZED = "tool_call.preauthorized"
    TOOL_CALL_VOTE = "tool_call.vote"
    TOOL_CALL_BREAK_GLASS = "tool_call.break_glass"
    TOOL_CALL_EDITED = "tool_call.edited"
    TOOL_CALL_REMINDED = "tool_call.reminded"
    TOOL_CALL_ESCALATED = "tool_call.escalated"
    TOOL_CALL_REOPENED = "tool_call.reopened"
    BREAK_GLASS_REVIEWED = "break_glass.reviewed"
    DELEGATION_GIVEN = "delegation.given"
    DELEGATION_ENDED = "delegation.ended"
    TOOL_CALL_APPROVED = "tool_call.approved"
    TOOL_CALL_REJECTED = "tool_call.rejected"
    TOOL_CALL_EXPIRED = "tool_call.expired"
    TOOL_CALL_CANCELLED = "tool_call.cancelled"
    TOOL_CALL_SUPERSEDED = "tool_call.superseded"
    TOOL_CALL_EXECUTING = "tool_call.executing"
    TOOL_CALL_SUCCEEDED = "tool_call.succeeded"
    TOOL_CALL_FAILED = "tool_call.failed"
    TOOL_CALL_LOST = "tool_call.lost"
    TOOL_CALL_SETTLED = "tool_call.settled"
    TOOL_CALL_PREVIEWED = "tool_call.previewed"
    TOOL_CALL_LATE_RESULT = "tool_call.late_result"
    TOOL_CALL_DOSSIER = "tool_call.dossier"
    NOTIFICATION_FAILED = "notification.failed"
    NOTIFICATION_RETRIED = "notification.retried"
    NOTIFICATION_TARGETS_CHANGED = "notification.targets_changed"

    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an event
    TOKEN_CONSUMED = "token.consumed"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    KEY_ADDED = "key.added"
    KEY_SWITCHED = "key.switched"
    KEY_RETIRED = "key.retired"
    PREAUTHORIZATION_ISSUED = "preauthorization.issued"
    PREAUTHORIZATION_USED = "preauthorization.used"

    POLICY_DRAFT_CHANGED = "policy.draft_changed"
    POLICY_FINDING_OVERRIDDEN = "policy.finding_overridden"
    POLICY_PUBLISHED = "policy.published"
    TOOL_PUBLISHED = "tool.published"
    TOOL_ENABLED = "tool.enabled"
    TOOL_DISABLED = "tool.disabled"
    HALT_SET = "halt.set"
    HALT_LIFTED = "halt.lifted"
    AGENT_CHANGED = "agent.changed"

    USER_SIGNED_IN = "user.signed_in"
    USER_SIGN_IN_FAILED = "user.sign_in_failed"
    USER_SIGNED_OUT = "user.signed_out"
    USER_SESSIONS_ENDED = "user.sessions_ended"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105
    USER_SECOND_FACTOR_ADDED = "user.second_factor_added"
    USER_SECOND_FACTOR_REMOVED = "user.second_factor_removed"
    USER_PASSKEY_ADDED = "user.passkey_added"
    USER_PASSKEY_REMOVED = "user.passkey_removed"
    USER_IDENTITY_LINKED = "user.identity_linked"
    USER_IDENTITY_REMOVED = "user.identity_removed"
    USER_CHANGED = "user.changed"
    GROUP_CHANGED = "group.changed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REPLACED = "api_key.replaced"
    API_KEY_REVOKED = "api_key.revoked"
    ATTACK_REFUSED = "attack.refused"
    SYSTEM_SEEDED = "system.seeded"
