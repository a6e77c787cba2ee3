"""Who stands in for me while I am away, and for whom I stand in; to name a stand-in, and to end it."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents.approval import delegations
from agents.errors import InvalidFieldError
from agents.forms import away as away_form
from agents.forms.away import AwayForm
from agents.models import Delegation
from agents.views.door import Request, signed_in
from audit import clock
from audit.errors import M1Error

PAST_SHOWN = 20


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """Show both lists, or name a stand-in."""
    if request.method != "POST":
        return _listed(request, AwayForm())
    form = AwayForm(request.POST)
    if not form.is_valid():
        return _listed(request, form, "Nobody was named. See what is wrong below.", 400)
    try:
        delegations.delegate(person=request.user, **form.cleaned_data)
    except InvalidFieldError as exc:
        form.add_error(str(exc.facts["field"]), f"This {exc.facts['problem']}.")
        return _listed(request, form, "Nobody was named. See what is wrong below.", 400)
    except M1Error as exc:
        return _listed(request, form, str(exc), exc.http_status)
    return redirect("away")


@signed_in
@require_http_methods(["POST"])
def end(request: Request, /, delegation_id: UUID) -> HttpResponseBase:
    """End one at once."""
    try:
        delegations.end(delegation_id, actor=request.user)
    except M1Error as exc:
        return _listed(request, AwayForm(), str(exc), exc.http_status)
    return redirect("away")


def _listed(request: Request, form: AwayForm, problem: str = "", status: int = 200) -> HttpResponse:
    now, me = clock.now(), request.user.pk
    rows = Delegation.objects.select_related("person", "delegate", "ended_by").order_by("starts_at", "pk")
    ahead = rows.filter(ended_at=None, ends_at__gt=now)
    over = rows.filter(Q(person=me) | Q(delegate=me)).exclude(ended_at=None, ends_at__gt=now)
    context: dict[str, Any] = {
        "now": now, "problem": problem, "form": form, "is_open": bool(form.errors),
        "mine": ahead.filter(person=me), "others": ahead.filter(delegate=me),
        "over": over.order_by("-ends_at", "-pk")[:PAST_SHOWN], "people": away_form.people(request.user),
    }  # fmt: skip
    return render(request, "agents/away.html", context, status=status)
