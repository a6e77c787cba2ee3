"""A tool call as policy sees it: a value, not a row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from audit.canonical import JSON

NOTHING: Mapping[str, JSON] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agent asks to do, for whom and where.

    arguments       already valid against the tool's schema; kept out of the repr, they may hold secrets
    defaults        the schema's defaults by dotted path, from `arguments.defaults_of(schema)`
    argument_names  the names the tool's schema has; a rule for a pattern of tools covers only tools that have
                    every argument it names. None: not known, so every rule for the tool is judged
    sensitive       argument names whose values no sentence may show
    """

    request_id: UUID
    agent: str
    environment: str
    requester: str
    requester_groups: frozenset[str]
    tool: str
    arguments: Mapping[str, JSON] = field(repr=False)
    defaults: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    argument_names: frozenset[str] | None = None
    sensitive: frozenset[str] = frozenset()
