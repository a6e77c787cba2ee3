"""To revoke tokens in the admin: a page that shows each and asks why, then an end to those that it showed."""

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit import clock
from audit.errors import M1Error
from policy import scope_words, token_state, tokens
from policy.models import ApprovalToken
from policy.readonly import ReadOnlyAdmin
from policy.token_state import State

MOST, MAX_REASON = 50, 2_000


def revoke(desk: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[ApprovalToken]) -> HttpResponse | None:
    """Show the selected tokens that still count; once confirmed with a reason, revoke those that were shown."""
    reason, person = request.POST.get("reason", "").strip()[:MAX_REASON], request.user
    if "confirmed" in request.POST and reason and isinstance(person, AbstractUser):
        _revoke(desk, request, queryset, person, reason)
        return None
    if "confirmed" in request.POST:
        desk.message_user(request, "Nothing was changed: say why they are revoked.", messages.ERROR)
    open_ = queryset.filter(token_state.in_state(State.ACTIVE, clock.now()))
    shown = [(row, scope_words.in_words(row)) for row in open_[:MOST]]
    if not shown:
        desk.message_user(request, "None of the selected tokens counts any more.", messages.WARNING)
        return None
    context = {
        **desk.admin_site.each_context(request), "title": f"Revoke {len(shown)} tokens", "shown": shown,
        "opts": desk.model._meta, "checkbox": ACTION_CHECKBOX_NAME, "left_out": max(0, open_.count() - MOST),
    }  # fmt: skip
    return TemplateResponse(request, "admin/policy/token_revoke.html", context)


def _revoke(
    desk: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[ApprovalToken], person: AbstractUser, reason: str
) -> None:
    for jti in queryset.values_list("jti", flat=True)[:MOST]:
        try:
            tokens.revoke(jti, person=person, reason=reason)
        except M1Error as exc:
            desk.message_user(request, f"{jti}: {exc}", messages.WARNING)
        else:
            desk.message_user(request, f"{jti} is revoked.", messages.SUCCESS)
