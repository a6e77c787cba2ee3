"""What policy refuses, as sentences people read and codes programs read."""

from typing import cast

from audit.errors import M1Error


class PolicyError(M1Error):
    """Policy refuses this."""

    code = "policy_error"


class FieldError(PolicyError):
    """The field {field} is wrong: {problem}.

    field    where it stands, `rules[0].when[1].value`
    path     the same as a tuple of names and positions
    problem  what is wrong and the way out
    """

    code = "invalid_field"

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where the field stands."""
        return cast("tuple[str | int, ...]", self.facts["path"])

    @property
    def problem(self) -> str:
        """What is wrong, without the field."""
        return str(self.facts["problem"])


class DocumentError(PolicyError):
    """The policy document is not valid: {summary}

    problems  a list of {line, field, problem}; line is 0 where the document was not text
    """

    code = "invalid_policy_document"


class UnjudgedError(PolicyError):
    """The condition cannot judge this call: {problem}."""

    code = "condition_unjudged"

    @property
    def problem(self) -> str:
        """Why it cannot."""
        return str(self.facts["problem"])


class CostError(PolicyError):
    """Judging this call costs more than the {ceiling} steps a policy check may take."""

    code = "policy_too_expensive"


class PolicyRefusedError(PolicyError):
    """The policy cannot be published: {problem}

    findings  what lint says, if that stops it: a list of {code, where, problem, isError}
    failures  test cases that fail, if there are any: a list of {case, problem}
    """

    code = "policy_refused"
    http_status = 409


class FourEyesError(PolicyError):
    """Whoever wrote a part of a policy does not publish it; {others}."""

    code = "four_eyes"
    http_status = 403


class StaleVersionError(PolicyError):
    """Another policy was published at the same moment; look at it, and publish again if that is still right."""

    code = "stale_version"
    http_status = 409


class StaleDraftError(PolicyError):
    """The draft is at revision {revision} by now, last edited by {who}: look at it, and do yours again."""

    code = "stale_draft"
    http_status = 409


class NotAPersonError(PolicyError):
    """Only a person edits and publishes policies, and {name} is none."""

    code = "not_eligible"
    http_status = 403


class DuplicateNameError(FieldError):
    """The field {field} is wrong: {problem}."""

    code = "duplicate_name"
    http_status = 409


class NotInDraftError(PolicyError):
    """The draft has no {what} named {name}."""

    code = "not_found"
    http_status = 404


class RuleExpectedError(PolicyError):
    """The test case "{case}" expects the rule {name} to match; change or delete the test case first."""

    code = "rule_expected"
    http_status = 409
