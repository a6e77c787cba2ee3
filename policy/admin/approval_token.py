"""Tokens in the admin: who said yes, to what, until when; to revoke some is an action that asks why, and once more."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit import clock
from policy import scope_words, token_state
from policy.admin import revoking
from policy.models import ApprovalToken, RevokedToken
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal
from policy.token_state import State

CALLS_SHOWN = 20
REVOKE = "policy.change_approvaltoken"


class StateFilter(admin.SimpleListFilter):
    """Tokens by what the ledger says of them."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the states."""
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApprovalToken]) -> QuerySet[ApprovalToken]:
        """Return the tokens in the chosen state."""
        chosen = self.value()
        return queryset.filter(token_state.in_state(chosen, clock.now())) if chosen in State.values else queryset


@admin.register(ApprovalToken)
class ApprovalTokenAdmin(ReadOnlyAdmin):
    """The ledger. The signed text itself is shown nowhere, and no filter can be asked about it."""

    list_display = (
        "issued_at", "kind", "state", "person", "words", "uses", "max_uses", "expires_at", "revoked", "request",
    )  # fmt: skip
    list_filter = (StateFilter, "kind")
    list_select_related = ("person", "revocation__person")
    date_hierarchy = "issued_at"
    search_fields = ("^jti", "^request_id", "person__username", "note")
    ordering = ("-issued_at", "-jti")
    actions = ("revoke",)
    fields = (
        *("jti", "kind", "state", "person", "kid", "words", "note_text", "request", "round", "uses", "max_uses"),
        *("calls", "issued_at", "expires_at", "used_at", "revoked"),
    )
    readonly_fields = ("state", "words", "note_text", "request", "calls", "revoked")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApprovalToken]:
        """Return the rows without the tokens."""
        return super().get_queryset(request).defer("token")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse `?token__startswith=`: its answers would spell the token out."""
        return lookup.split("__")[0] != "token" and super().lookup_allowed(lookup, value, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may end any token."""
        return bool(request.user.has_perm(REVOKE))

    @admin.display
    def state(self, row: ApprovalToken) -> str:
        """Return active, used, expired or revoked."""
        return str(token_state.state_of(row, clock.now()))

    @admin.display(description="for")
    def words(self, row: ApprovalToken) -> SafeString:
        """Return the scope, sentence by sentence."""
        return format_html_join("", "<div>{}</div>", ((line,) for line in scope_words.in_words(row)))

    @admin.display(description="note")
    def note_text(self, row: ApprovalToken) -> str:
        """Return what its giver wrote, hidden characters shown."""
        return reveal(row.note)

    @admin.display(description="tool call")
    def request(self, row: ApprovalToken) -> SafeString | str:
        """Return the way to the page of the call."""
        return _link(row.request_id) if row.request_id else ""

    @admin.display(description="calls it stood in for")
    def calls(self, row: ApprovalToken) -> SafeString:
        """Return the way to the newest calls that a pre-authorisation approved."""
        ids = row.used_by.order_by("-created_at", "-pk").values_list("request_id", flat=True)[:CALLS_SHOWN]
        return format_html_join("", "<div>{}</div>", ((_link(request_id),) for request_id in ids))

    @admin.display(description="revoked")
    def revoked(self, row: ApprovalToken) -> str:
        """Return who ended it and why; M1 itself ends the token of a call that ends unrun."""
        revocation = getattr(row, "revocation", None)
        if isinstance(revocation, RevokedToken):
            return reveal(f"{revocation.person}, {row.revoked_at:%Y-%m-%d %H:%M} UTC: {revocation.reason}")
        return f"M1, {row.revoked_at:%Y-%m-%d %H:%M} UTC: its call ended unrun" if row.revoked_at else ""

    @admin.action(description="Revoke the selected tokens…", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApprovalToken]) -> HttpResponse | None:
        """Show each and ask why; once confirmed, end those that were shown."""
        return revoking.revoke(self, request, queryset)


def _link(request_id: object) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("approval", args=[request_id]), request_id)
