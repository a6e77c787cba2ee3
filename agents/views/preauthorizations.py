"""Pre-authorisations: what was allowed ahead of time, by whom, how much of it is left; and to give or end one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agents import preauthorizations, visibility
from agents.forms.fields import ReasonForm, key_of
from agents.forms.preauthorization import PreauthorizationEditor
from agents.models import ToolCall
from agents.scopes import naming
from agents.views.door import Request, signed_in
from audit import clock
from audit.errors import M1Error
from policy import scope_words, token_state, tokens
from policy.errors import FieldError
from policy.models import ApprovalToken
from policy.token_state import State

PER_PAGE, CALLS_SHOWN = 20, 5


@dataclass(frozen=True)
class Shown:
    """A pre-authorisation as the page tells it.

    words      its scope, sentence by sentence
    calls      the newest that it stood in for, of those that the person may see
    may_end    whether the person may revoke it
    """

    token: ApprovalToken
    words: list[str]
    state: str
    calls: list[ToolCall]
    may_end: bool


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """List the pre-authorisations that the person may see, or issue one."""
    if request.method != "POST":
        return _listed(request, PreauthorizationEditor.fresh(request.GET.get("requester", "")))
    if not preauthorizations.may_issue(request.user):
        error = preauthorizations.MayNotIssueError()
        return _listed(request, None, str(error), error.http_status)
    order = request.POST.get("do", "")
    editor = PreauthorizationEditor.of_post(request.POST, order)
    if order:
        return _listed(request, editor, is_open=True)
    if _issued(request, editor):
        return redirect("preauthorizations")
    return _listed(request, editor, "Nothing was issued. See what is missing below.", 400, is_open=True)


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
    rows = ApprovalToken.objects.filter(kind=ApprovalToken.Kind.PREAUTHORIZATION).defer("token")
    if request.user.has_perm("policy.view_approvaltoken") or request.user.has_perm(preauthorizations.MAY_ISSUE):
        return rows
    return rows.filter(Q(person_id=request.user.pk) | naming(request.user))


def may_revoke(request: Request, token: ApprovalToken) -> bool:
    """Tell whether the person gave it, or may change any."""
    return token.person_id == request.user.pk or request.user.has_perm("policy.change_approvaltoken")


def _issued(request: Request, editor: PreauthorizationEditor) -> bool:
    facts = editor.value()
    if facts is None:
        return False
    key = key_of(request.user, editor.main.cleaned_data["request_key"])
    try:
        preauthorizations.issue(person=request.user, request_key=key, **facts)
    except FieldError as exc:
        editor.show(exc)
    except M1Error as exc:
        editor.main.add_error(None, str(exc))
    else:
        return True
    return False


def _listed(
    request: Request, editor: PreauthorizationEditor | None, problem: str = "", status: int = 200, *,
    is_open: bool = False,
) -> HttpResponse:  # fmt: skip
    rows = visible_to(request).select_related("person", "revocation__person").order_by("-issued_at", "-jti")
    chosen = request.GET.get("state", "")
    now = clock.now()
    if chosen in State.values:
        rows = rows.filter(token_state.in_state(chosen, now))
    page_ = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    may_issue = preauthorizations.may_issue(request.user)
    context = {
        "now": now, "page": page_, "problem": problem, "is_open": is_open, "chosen": chosen, "states": State.choices,
        "kept": f"&state={chosen}" if chosen in State.values else "",
        "editor": (editor or PreauthorizationEditor.fresh()) if may_issue else None,
        "rows": _shown(request, page_, now),
    }  # fmt: skip
    return render(request, "agents/preauthorizations.html", context, status=status)


def _shown(request: Request, found: Iterable[ApprovalToken], now: datetime) -> list[Shown]:
    rows = list(found)
    used = {row.pk: _request_ids(row) for row in rows if row.uses}
    ids = [request_id for request_ids in used.values() for request_id in request_ids]
    calls = visibility.calls_visible_to(request.user).filter(pk__in=ids).defer("preview").in_bulk()
    return [
        Shown(
            row, scope_words.in_words(row), _state(row, now),
            [calls[request_id] for request_id in used.get(row.pk, ()) if request_id in calls],
            may_revoke(request, row),
        )
        for row in rows
    ]  # fmt: skip


def _request_ids(row: ApprovalToken) -> list[UUID]:
    return list(row.used_by.order_by("-created_at", "-pk").values_list("request_id", flat=True)[:CALLS_SHOWN])


def _state(row: ApprovalToken, now: datetime) -> str:
    found = token_state.state_of(row, now)
    return "used up" if found == State.USED else str(found)
