"""M1Error, the root of everything M1 refuses, and the errors of this app."""

from __future__ import annotations

import inspect


class M1Error(Exception):
    """M1 cannot do this."""

    code: str = "m1_error"
    http_status: int = 400

    def __init__(self, **facts: object) -> None:
        # No positional arguments reach Exception: it would pickle them back into this signature and fail in a worker.
        super().__init__()
        self.facts = facts

    @property
    def detail(self) -> str:
        """The sentence people read: the first paragraph of the docstring, with the facts in place of their names."""
        paragraph = (inspect.getdoc(type(self)) or self.code).split("\n\n")[0]
        return " ".join(paragraph.split()).format_map(_Facts(self.facts))

    def __str__(self) -> str:
        return self.detail


class _Facts(dict[str, object]):
    """Facts that answer a missing name with the name: an error must never fail while it is being told."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class AuditError(M1Error):
    """The audit trail refuses this."""

    code = "audit_error"


class MalformedJSONError(AuditError):
    """This is not JSON that M1 accepts: {reason}."""

    code = "malformed_json"


class NotCanonicalError(AuditError):
    """The value has no canonical JSON form: {reason}."""

    code = "not_canonical"


class MacKeyMissingError(AuditError):
    """M1_AUDIT_MAC_KEY is not set in this process, so it can neither write audit events nor check them."""

    code = "audit_key_missing"
    http_status = 503


class EventRefusedError(AuditError):
    """The audit event {action} cannot be written, so nothing was changed: {reason}."""

    code = "event_refused"
    http_status = 500  # a fault of M1's own code: whatever a client sends is refused before there is an event
