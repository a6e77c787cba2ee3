"""Other arguments for a call that waits: a form made from the tool's schema, and policy's word on what was written."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents.approval import editing, opened
from agents.errors import InvalidFieldError
from agents.forms.arguments import ArgumentForm
from agents.forms.decision import EditForm
from agents.models import ToolCall
from agents.states import Status
from agents.views.approvals import shown_since, visible
from agents.views.door import Request, signed_in
from audit.errors import M1Error
from policy import tool_facts

INCOMPLETE = "Nothing was changed. See what is wrong below."


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /, request_id: UUID) -> HttpResponseBase:
    """Show the arguments in their boxes, or take others."""
    call = visible(request, request_id)
    if request.method != "POST":
        return _shown(request, call)
    if editing.why_not(call, request.user):
        return _shown(request, call, status=403 if call.status == Status.PENDING else 409)
    return _edit(request, call)


def _edit(request: Request, call: ToolCall) -> HttpResponse:
    form = EditForm(request.POST, person=request.user, call=call)
    boxes = _boxes(call, request.POST.get("digest", ""), request.POST)
    if boxes is None or not (form.is_valid() & boxes.is_valid()):
        return _shown(request, call, (form, boxes), problem=INCOMPLETE, status=400)
    comment = form.cleaned_data["comment"]
    try:
        seen = form.seen(request.sign_in)
        editing.edit(call.pk, actor=request.user, seen=seen, arguments=boxes.arguments(), comment=comment)
    except InvalidFieldError as exc:
        field, problem = str(exc.facts["field"]), str(exc.facts["problem"])
        form.add_error(field if field in form.fields else None, f"The {field} {problem}.")
        return _shown(request, call, (form, boxes), problem=INCOMPLETE, status=400)
    except M1Error as exc:
        return _shown(
            request, visible(request, call.pk), (form, boxes), problem=str(exc), status=exc.http_status, code=exc.code
        )
    response = redirect("approval", call.pk)
    response.status_code = 303
    return response


def _boxes(call: ToolCall, digest: str, posted: Mapping[str, str] | None = None) -> ArgumentForm | None:
    """Return the boxes for the revision of this digest, with what a browser sent; None where there is no such one."""
    revision = call.revisions.filter(digest=digest).order_by("number").first()
    if revision is None or call.tool_version is None:
        return None
    return ArgumentForm(tool_facts.of(call.tool_version), bytes(revision.arguments), posted)


def _shown(
    request: Request, call: ToolCall, filled: tuple[EditForm, ArgumentForm | None] | None = None, *,
    problem: str = "", status: int = 200, code: str = "",
) -> HttpResponse:  # fmt: skip
    """Show the page; what was typed is kept while the call is the one that it was typed for."""
    context: dict[str, Any] = {"call": call, "run": call.run, "problem": problem, "code": code}
    if why := editing.why_not(call, request.user):
        return render(request, "agents/edit.html", context | {"why_not": why}, status=status)
    form, boxes = filled or (EditForm(person=request.user, call=call), None)
    if filled and form.data.get("digest") != call.arguments_digest:
        boxes = None
    context |= {
        "form": form, "boxes": boxes or _boxes(call, call.arguments_digest),
        "opened": opened.mark(call, request.user, shown_since(call, [form])),
    }  # fmt: skip
    return render(request, "agents/edit.html", context, status=status)
