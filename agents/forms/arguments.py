"""The arguments of a call as a form made from its tool's schema: what nobody touches stays as it was, to the byte."""

from collections.abc import Collection, Mapping
from typing import Any

from agents.forms.argument_kinds import Kind, WrongValueError, kind_of
from audit import canonical
from audit.canonical import JSON
from policy import schemas
from policy.reveal import reveal
from policy.schemas import BadSchemaError
from policy.tool_facts import ToolFacts

TALLEST = 18


class Box:
    """One argument, its value as a person edits it, and what is wrong with that.

    field        the name of the box in the form; `field`-absent that of "leave it out"
    typed        what stands in the box; "" where the argument is left out
    is_left_out  whether the call goes without it, which is not the same as an empty value
    """

    def __init__(
        self, field: str, name: str, declared: object, arguments: Mapping[str, JSON], *, may_lack: bool
    ) -> None:
        self.field, self.name, self.may_lack = field, name, may_lack
        self.declared: Mapping[str, Any] = declared if isinstance(declared, Mapping) else {}
        self.was_there, self._value = name in arguments, arguments.get(name)
        self.kind: Kind = kind_of(declared, self._value, is_there=self.was_there)
        self.typed = self._shown = self.kind.show(self._value) if self.was_there else ""
        self.is_left_out = not self.was_there
        self.is_sensitive = False
        self.errors: list[str] = []

    def fill(self, posted: Mapping[str, str]) -> None:
        """Take what a browser sent; `errors` says what is wrong with it."""
        if self.field not in posted:
            self.errors.append("This box did not arrive; load the page again.")
            return
        self.typed = posted[self.field].replace("\r\n", "\n").replace("\r", "\n")
        by_choice = self.kind.name == "choice" and self.typed == "" and self.may_lack
        self.is_left_out = by_choice or f"{self.field}-absent" in posted
        if self.is_left_out and not self.may_lack:
            self.errors.append("The tool cannot do without it.")
        elif self.is_left_out and self.typed not in ("", self._shown):
            self.errors.append("You wrote a value and left it out: take one of the two.")
        elif not self.is_left_out and self.is_touched:
            self._read()

    @property
    def is_touched(self) -> bool:
        """Whether it is another than it was."""
        return self.is_left_out == self.was_there or self.typed != self._shown

    def value(self) -> JSON:
        """Return the value, where it is not left out and nothing is wrong."""
        return self._new if self.is_touched else self._value

    def _read(self) -> None:
        try:
            self._new = self.kind.read(self.typed)
        except WrongValueError as exc:
            self.errors.append(str(exc))

    @property
    def rows(self) -> int:
        """How tall the box is."""
        lines = self.typed.count("\n") + 1 + len(self.typed) // 80
        return min(max(lines, 2 if self.kind.name in ("lines", "json") else 1), TALLEST)

    @property
    def marked(self) -> str:
        """What the eye cannot see in the box, as marks; "" where there is nothing hidden."""
        shown = reveal(self.typed)
        return self.typed if shown != self.typed else ""

    @property
    def default(self) -> str:
        """What the tool takes where it is left out, as JSON; "" where nobody knows."""
        return canonical.encode(self.declared["default"]).decode() if "default" in self.declared else ""


class ArgumentForm:
    """Every argument of a call in its box; those of the schema first, in its order."""

    def __init__(self, facts: ToolFacts, arguments: bytes, posted: Mapping[str, str] | None = None) -> None:
        found = canonical.parse(arguments)
        self._arguments: Mapping[str, JSON] = found if isinstance(found, dict) else {}
        self._facts, declared = facts, facts.schema.get("properties", {})
        names = [*declared, *(name for name in self._arguments if name not in declared)]
        self.boxes = [self._box(number, name, declared.get(name)) for number, name in enumerate(names)]
        for box in self.boxes if posted is not None else ():
            box.fill(posted or {})
            box.errors += self._violations(box) if not box.errors else ()

    def is_valid(self) -> bool:
        """Tell whether every box can be read, and holds what the tool takes."""
        return not any(box.errors for box in self.boxes)

    def arguments(self) -> bytes:
        """Return the arguments as canonical JSON; the form is valid."""
        return canonical.encode({box.name: box.value() for box in self.boxes if not box.is_left_out})

    def _box(self, number: int, name: str, declared: object) -> Box:
        may_lack = name not in self._facts.schema.get("required", ())
        box = Box(f"argument-{number}", name, declared, self._arguments, may_lack=may_lack)
        sensitive: Collection[str] = self._facts.declared.get("sensitive_arguments", ())
        box.is_sensitive = name in sensitive
        return box

    def _violations(self, box: Box) -> tuple[str, ...]:
        """Return what the schema says about one argument by itself; the call as a whole is judged when it is edited."""
        schema = self._facts.schema
        if box.is_left_out or not box.is_touched or not box.declared:
            return ()
        alone = {key: value for key, value in schema.items() if key in ("type", "additionalProperties", "$defs")}
        alone["properties"] = {box.name: box.declared}
        try:
            return schemas.violations(f"{self._facts.schema_digest}/{box.field}", alone, {box.name: box.value()})
        except BadSchemaError:  # it refers to another argument's schema
            return ()
