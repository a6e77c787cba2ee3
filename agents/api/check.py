"""What policy would say to a call: a dry run, which records nothing."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from uuid_utils.compat import uuid7

from agents import halts
from agents.api import answers, bodies
from agents.errors import InvalidFieldError
from agents.models import Agent
from agents.visibility import group_names
from audit import canonical
from audit.rest import caller
from policy import check
from policy.check import Asked


class DryRun(APIView):
    """The verdict on a call that nobody has proposed."""

    @extend_schema(request=bodies.Question, responses=answers.VerdictShape)
    def post(self, request: Request) -> Response:
        """Return the verdict, with the rules and sentences that made it."""
        checked = check.judge(_asked(request, bodies.Question.read(request)))
        version = checked.policy.number if checked.policy else None
        facts = {**checked.verdict.as_dict(), "headline": checked.headline, "policy_version": version}
        return Response(answers.VerdictShape(facts).data)


def _asked(request: Request, body: dict[str, object]) -> Asked:
    agent = Agent.objects.filter(name=body["agent"]).first()
    if agent is None:
        raise InvalidFieldError(field="agent", problem="names no agent")
    tool = str(body["tool"])
    return Asked(
        request_id=uuid7(), agent=agent.name, environment=agent.environment, requester=caller(request).get_username(),
        requester_groups=group_names(caller(request)), tool=tool, arguments=canonical.encode(body["arguments"]),
        allowed=frozenset(agent.tools.values_list("name", flat=True)), halt=halts.on(agent.pk, tool),
    )  # fmt: skip
