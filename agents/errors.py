"""The base of every error that `agents` raises."""

from audit.errors import M1Error


class AgentsError(M1Error):
    """The run or the tool call does not allow this."""

    code = "agents_error"


class NotFoundError(AgentsError):
    """There is no such {thing}."""

    code = "not_found"
    http_status = 404


class InvalidFieldError(AgentsError):
    """The field {field} is wrong: it {problem}."""

    code = "invalid_field"


class NotEligibleError(AgentsError):
    """{why}"""

    code = "not_eligible"
    http_status = 403


class StepUpRequiredError(AgentsError):
    """The rule asks for a sign-in newer than {minutes} minutes; sign in again in the browser and decide there."""

    code = "step_up_required"
    http_status = 403


class StaleDecisionError(AgentsError):
    """Nothing was recorded: {why}"""

    code = "stale_decision"
    http_status = 409


class ToolNotEnabledError(AgentsError):
    """Nothing was recorded: this version of {tool} is not enabled any more, so the call is denied."""

    code = "tool_not_enabled"
    http_status = 409


class WrongStateError(AgentsError):
    """This is not possible now: {why}"""

    code = "wrong_state"
    http_status = 409
