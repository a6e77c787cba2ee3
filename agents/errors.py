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
    """The rule asks for a second factor proved within {minutes} minutes: do that in the browser, and decide there."""

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


class TooManyPendingError(AgentsError):
    """Nothing was recorded: {why}"""

    code = "too_many_pending"
    http_status = 429


class PolicyDeniesError(AgentsError):
    """Nothing was changed: with these arguments policy denies the call. {why}"""

    code = "policy_denies"
    http_status = 409
