"""A tool call as policy sees it: a value, not a row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from audit.canonical import JSON
from policy.arguments import Schema, defaults_of, names_of

NOTHING: Mapping[str, JSON] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class ToolShape:
    """What the rules need to know of a tool. Made once for each version and kept: it is looked up by identity.

    defaults        the schema's defaults by dotted path
    argument_names  the names the tool's schema has; a rule for a pattern of tools covers only tools that have
                    every argument it names. None: not known, so every rule for the tool is judged
    sensitive       argument names whose values no sentence may show
    """

    tool: str
    defaults: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    argument_names: frozenset[str] | None = None
    sensitive: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tool: str, schema: Schema, sensitive: Collection[str] = ()) -> "ToolShape":
        """Return what a tool's JSON Schema says of its arguments."""
        return cls(tool, defaults_of(schema), names_of(schema), frozenset(sensitive))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an agent asks to do, for whom and where.

    arguments   already valid against the tool's schema; kept out of the repr, they may hold secrets
    """

    request_id: UUID
    agent: str
    environment: str
    requester: str
    requester_groups: frozenset[str]
    shape: ToolShape
    arguments: Mapping[str, JSON] = field(repr=False)

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.shape.tool
