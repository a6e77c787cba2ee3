"""What a check needs of a tool's version, read from its declaration once and kept."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from audit import canonical
from policy.errors import PolicyError
from policy.models import ToolVersion
from policy.proposal import ToolShape

MAX_KEPT = 1_000


class ToolRowChangedError(PolicyError):
    """The stored declaration of {tool} is not the one that was published under its digest."""

    code = "tool_changed"


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool's version, ready for checks; shared between them, so nothing in it is ever changed.

    declared        fields of registry.Definition, and `sources`
    schema_digest   names the schema for good
    """

    declared: dict[str, Any] = field(repr=False)
    schema_digest: str
    shape: ToolShape

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        schema: dict[str, Any] = self.declared["schema"]
        return schema


def of(version: ToolVersion) -> ToolFacts:
    """Return the facts of a version. Raises ToolRowChangedError: the digest covers the declaration, byte by byte."""
    return _facts(version.tool.name, version.digest, version.declaration)


@lru_cache(MAX_KEPT)
def _facts(name: str, digest: str, declaration: str) -> ToolFacts:
    written = declaration.encode()
    declared: Any = canonical.parse(written)
    if canonical.digest(written) != digest or declared["name"] != name:
        raise ToolRowChangedError(tool=name)
    shape = ToolShape.of(name, declared["schema"], declared["sensitive_arguments"])
    return ToolFacts(declared, canonical.digest(canonical.encode(declared["schema"])), shape)
