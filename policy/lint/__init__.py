"""What is wrong with a policy before anyone runs into it, as sentences with a way out.

Errors are what cannot work with the tools there are. Warnings are rules that work, and do something else than their
author can have meant: nothing, always, or what another rule does already. Lint only says what is certain; where it
cannot find out, it is silent.
"""

from collections.abc import Mapping

from policy.arguments import Schema
from policy.documents import Document
from policy.fitting import Finding, Fitting
from policy.lint import conditions, shadows, slips
from policy.lint.reach import Reach

__all__ = ["Finding", "findings"]


def findings(document: Document, tools: Mapping[str, Schema]) -> list[Finding]:
    """Return everything lint has to say: of each rule, of rules beside each other, of test cases, of tools.

    tools  the schemas of the enabled tools, by name
    """
    fitting, reach = Fitting(tools), Reach(tools)
    found: list[Finding] = []
    sound = []
    for rule in document.rules:
        misfits = fitting.of_rule(rule)
        found += [*misfits, *slips.of_rule(rule)]
        if not any(finding.is_error for finding in misfits) and reach.any_fits(rule):
            about = conditions.of_rule(rule, reach)
            sound += [] if any(finding.code == "never_matches" for finding in about) else [rule]
            found += about
    found += shadows.of_rules(sound, reach)
    for case in document.tests:
        found += fitting.of_case(case)
    return found + _without_rule(document, reach)


def _without_rule(document: Document, reach: Reach) -> list[Finding]:
    reached = {tool.name for rule in document.rules for tool in reach.of(rule)}
    problem = "no rule looks at it, so every call is denied; write a rule, or a deny that says why"
    return [
        Finding("tool_without_rule", f"tool {tool.name}", problem, is_error=False)
        for tool in reach.tools
        if tool.name not in reached
    ]
