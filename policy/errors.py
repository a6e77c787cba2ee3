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
