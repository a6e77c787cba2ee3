"""Tokens in the admin: who said yes, to what, until when."""

from django.contrib import admin

from policy.models import ApprovalToken
from policy.readonly import ReadOnlyAdmin


@admin.register(ApprovalToken)
class ApprovalTokenAdmin(ReadOnlyAdmin):
    """The ledger. The signed text itself is shown nowhere."""

    list_display = (
        "issued_at", "kind", "person", "uses", "max_uses", "expires_at", "used_at", "revoked_at", "request_id",
    )  # fmt: skip
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter), ("used_at", admin.EmptyFieldListFilter))
    list_select_related = ("person",)
    date_hierarchy = "issued_at"
    search_fields = ("^jti", "^request_id", "person__username", "note")
    ordering = ("-issued_at", "-jti")
    exclude = ("token",)
