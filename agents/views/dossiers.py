"""The dossier of a tool call as a file to keep."""

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_http_methods

from agents.dossier import making
from agents.errors import NotFoundError
from agents.views.door import Request, signed_in
from audit import canonical


@signed_in
@require_http_methods(["GET"])
def page(request: Request, /, request_id: UUID) -> HttpResponseBase:
    """Return the dossier as a download; 404 for a call that the person may not see."""
    try:
        found = making.make(request_id, actor=request.user)
    except NotFoundError:
        raise Http404 from None
    name = f'attachment; filename="m1-dossier-{request_id}.json"'
    return HttpResponse(canonical.encode(found), content_type="application/json", headers={"Content-Disposition": name})
