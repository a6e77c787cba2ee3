"""YAML for scenarios, read strictly: every complaint knows its line."""

import json
import re
from collections.abc import Hashable, Iterable
from typing import Any

import yaml

from agents.errors import AgentsError

MAX_CHARACTERS = 100_000

_NAME = re.compile(r"[a-z0-9_-]{1,32}")


class ScenarioError(AgentsError):
    """The scenario cannot be played: {problem}."""

    code = "scenario"


class Table(dict[str, Any]):
    """A YAML mapping that knows the line it began on and says what is wrong with it."""

    line = 0

    def error(self, problem: str) -> ScenarioError:
        """Return the complaint, with its line."""
        return ScenarioError(problem=f"line {self.line}: {problem}", line=self.line)

    def only(self, *keys: str) -> None:
        """Refuse every other key: a misspelt one must not be passed over."""
        if unknown := sorted(set(self) - set(keys)):
            raise self.error(f"{unknown[0]!r} is not known here; known are {', '.join(keys)}")

    def text(self, key: str) -> str:
        """Return a text that is not empty."""
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key} must be a text")
        return value.strip()

    def name(self, key: str) -> str:
        """Return a short name."""
        value = self._get(key)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.error(f"{key} must be a name of small letters, digits, _ and -, at most 32")
        return value

    def table(self, key: str) -> "Table":
        """Return a mapping that is not empty."""
        value = self._get(key)
        if not isinstance(value, Table) or not value:
            raise self.error(f"{key} must be a mapping")
        return value

    def tables(self, key: str) -> "list[Table]":
        """Return a list of mappings that is not empty."""
        value = self._get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, Table) for item in value):
            raise self.error(f"{key} must be a list of mappings")
        return value

    def words(self, key: str, known: Iterable[str]) -> tuple[str, ...]:
        """Return one word or a list of words, all of them known."""
        value = self._get(key)
        words = value if isinstance(value, list) else [value]
        if not words or any(word not in known for word in words):
            raise self.error(f"{key} must be one of {', '.join(known)}, or a list of them")
        return tuple(words)

    def json_object(self, key: str) -> dict[str, Any]:
        """Return a mapping that JSON can hold as it is; a bare date or a number as a key is none."""
        value = self._get(key)
        if not isinstance(value, Table):
            raise self.error(f"{key} must be a mapping")
        try:
            plain: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise self.error(f"{key} must hold what JSON can hold ({error}); quote dates and the like") from None
        return plain

    def _get(self, key: str) -> Any:
        if key not in self:
            raise self.error(f"{key} is missing")
        return self[key]


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys, keys that are no text, tags, and aliases, which can blow a text up."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            line = event.start_mark.line + 1
            raise ScenarioError(problem=f"line {line}: tags and aliases are not allowed", line=line)
        return super().compose_node(parent, index)

    def construct_table(self, node: yaml.MappingNode) -> Table:
        table = Table()
        table.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            key: Hashable = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise table.error(f"the key {key!r} is not a text; put it in quotes")
            if key in table:
                raise table.error(f"the key {key!r} is there twice")
            table[key] = self.construct_object(value_node, deep=True)
        return table


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_table)


def load(text: str) -> Table:
    """Return the mapping that the text holds. Raises ScenarioError."""
    if len(text) > MAX_CHARACTERS:
        raise ScenarioError(problem=f"it has more than {MAX_CHARACTERS} characters", line=0)
    try:
        value = _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or a number that Python cannot hold
        raise ScenarioError(problem=" ".join(str(error).split()), line=0) from None
    except RecursionError:
        raise ScenarioError(problem="it is nested too deeply", line=0) from None
    if not isinstance(value, Table):
        raise ScenarioError(problem="it must be a mapping with steps", line=1)
    return value
