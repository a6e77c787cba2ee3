"""The words that rules may use, in one table. Strings compare exactly, letter by letter; nothing is case-folded.

An argument of another type than the operator's is not "no match": it cannot be judged, and the call is denied.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

from audit.canonical import JSON
from policy.operators import places, prepare
from policy.operators.prepare import Prepared
from policy.reading import Path


@dataclass(frozen=True, slots=True)
class Operator:
    """One word of the language.

    holds, fails    how a sentence says that it does or does not hold, before the value
    value           JSON Schema name of its value, a key of `document_schema.VALUES`
    judges_absence  whether it speaks of absence itself, so that `if_missing` has no place beside it
    """

    name: str
    holds: str
    fails: str
    value: str
    prepare: Callable[[JSON, Path], Prepared]
    judges_absence: bool = False


_equal = prepare.compared(operator.eq, ordered=False)
_unequal = prepare.compared(operator.ne, ordered=False)
_TABLE = (
    Operator("equals", "is", "is not", "scalar", _equal),
    Operator("not_equals", "is not", "is", "scalar", _unequal),
    Operator("in", "is one of", "is none of", "scalars", prepare.member(inside=True)),
    Operator("not_in", "is none of", "is one of", "scalars", prepare.member(inside=False)),
    Operator("greater_than", "is above", "is not above", "ordered", prepare.compared(operator.gt, ordered=True)),
    Operator("at_least", "is at least", "is below", "ordered", prepare.compared(operator.ge, ordered=True)),
    Operator("less_than", "is below", "is not below", "ordered", prepare.compared(operator.lt, ordered=True)),
    Operator("at_most", "is at most", "is above", "ordered", prepare.compared(operator.le, ordered=True)),
    Operator("starts_with", "starts with", "does not start with", "text", prepare.affix(str.startswith)),
    Operator("ends_with", "ends with", "does not end with", "text", prepare.affix(str.endswith)),
    Operator("contains", "contains", "does not contain", "text", prepare.affix(operator.contains)),
    Operator("matches", "as a whole matches", "as a whole does not match", "pattern", prepare.pattern),
    Operator("path_inside", "is inside", "is not inside", "text", prepare.directory),
    Operator("url_host_in", "has a host of", "has no host of", "hosts", prepare.hosts(places.url_host)),
    Operator("email_domain_in", "is an address at", "is not an address at", "hosts", prepare.hosts(places.mail_domain)),
    Operator("length_at_most", "has a length of at most", "has a length above", "length", prepare.length(operator.le)),
    Operator(
        "length_at_least", "has a length of at least", "has a length below", "length", prepare.length(operator.ge)
    ),
    Operator("is_present", "is given", "is not given", "none", prepare.presence(present=True), judges_absence=True),
    Operator("is_absent", "is not given", "is given", "none", prepare.presence(present=False), judges_absence=True),
)
OPERATORS = {entry.name: entry for entry in _TABLE}
