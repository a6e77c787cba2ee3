"""Pre-authorisations: what was allowed ahead of time, by whom, how much of it is left; and to give or end one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agents.forms import PreauthorizationForm, ReasonForm, key_of
from agents.scopes import naming, scope_of
from agents.views.door import Request, signed_in
from audit import clock
from audit.errors import M1Error
from policy import tokens
from policy.models import ApprovalToken

PER_PAGE = 20
MAY_ISSUE = "policy.add_approvaltoken"


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """List the pre-authorisations that the person may see, or issue one."""
    form = PreauthorizationForm(request.POST or None, initial={"requesters": request.GET.get("requester", "")})
    if request.method == "POST":
        if not request.user.has_perm(MAY_ISSUE):
            return _listed(request, None, "You may not give pre-authorisations; an administrator can let you.", 403)
        if form.is_valid() and _issued(request, form):
            return redirect("preauthorizations")
        return _listed(request, form, "Nothing was issued. See what is missing below.", 400)
    return _listed(request, form)


@signed_in
@require_http_methods(["POST"])
def revoke(request: Request, /, jti: UUID) -> HttpResponseBase:
    """End one at once."""
    token = get_object_or_404(visible_to(request), pk=jti)
    form = ReasonForm(request.POST)
    if not may_revoke(request, token):
        return _listed(request, None, "Only who gave it, or an administrator, can revoke it.", 403)
    if not form.is_valid():
        return _listed(request, None, "Say why it is revoked; nothing was changed.", 400)
    try:
        tokens.revoke(token.pk, person=request.user, reason=form.cleaned_data["reason"])
    except M1Error as exc:
        return _listed(request, None, str(exc), exc.http_status)
    return redirect("preauthorizations")


def visible_to(request: Request) -> QuerySet[ApprovalToken]:
    """Return what the person gave, what names them, and everything for those who may read or give them."""
    rows = ApprovalToken.objects.filter(kind=ApprovalToken.Kind.PREAUTHORIZATION)
    if request.user.has_perm("policy.view_approvaltoken") or request.user.has_perm(MAY_ISSUE):
        return rows
    return rows.filter(Q(person_id=request.user.pk) | naming(request.user))


def may_revoke(request: Request, token: ApprovalToken) -> bool:
    """Tell whether the person gave it, or may change any."""
    return token.person_id == request.user.pk or request.user.has_perm("policy.change_approvaltoken")


def _issued(request: Request, form: PreauthorizationForm) -> bool:
    data = form.cleaned_data
    try:
        tokens.issue_preauthorization(
            person=request.user, agents=[agent.name for agent in data["agents"]], requesters=data["requesters"],
            tools=data["tools"], max_uses=data["max_uses"], expires_in_minutes=data["hours"] * 60, note=data["note"],
            request_key=key_of(request.user, data["request_key"]),
        )  # fmt: skip
    except M1Error as exc:
        form.add_error(None, str(exc))
        return False
    return True


def _listed(request: Request, form: PreauthorizationForm | None, problem: str = "", status: int = 200) -> HttpResponse:
    rows = visible_to(request).select_related("person", "revocation__person").order_by("-issued_at", "-jti")
    page_ = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    now = clock.now()
    context: dict[str, Any] = {
        "now": now, "page": page_, "problem": problem, "revoke_form": ReasonForm(),
        "form": (form or PreauthorizationForm()) if request.user.has_perm(MAY_ISSUE) else None,
        "rows": [(token, scope_of(token), state(token, now), may_revoke(request, token)) for token in page_],
    }  # fmt: skip
    return render(request, "agents/preauthorizations.html", context, status=status)


def state(token: ApprovalToken, now: datetime) -> str:
    """Return revoked, expired, used up or active."""
    if token.revoked_at:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    return "used up" if token.uses >= token.max_uses else "active"
