"""A tool is what its declaration and its source files say; another digest is another tool."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import canonical
from policy import registry
from policy.registry import BadToolError, Definition

HEAD = """
from __future__ import annotations
from typing import Annotated, Any, Literal
from annotated_types import Ge, Le, MaxLen, MinLen, Predicate
from pydantic import Field
from policy.declare import Length, Preview, tool
"""
PLAIN = """
@tool("shop.refund", headline="Refund {amount}", risk="high")
def refund(amount: Annotated[int, "Cents"]) -> Any:
    '''Refund an order.'''
"""

Load = Callable[..., dict[str, Definition]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write a package `shop_tools` with one module, and load it as a fresh process would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package = tmp_path / "shop_tools"
    package.mkdir()
    (package / "__init__.py").touch()

    def load(source: str, *modules: str) -> dict[str, Definition]:
        (package / "shop.py").write_text(HEAD + source)
        for name in [name for name in sys.modules if name.startswith("shop_tools")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        return registry.load(modules or ["shop_tools.shop"])

    return load


def test_the_declaration_is_taken_whole(load: Load) -> None:
    definition = load('''
def preview(to: Annotated[list[str], "Who", Length(1, 3)], amount: Annotated[int, Ge(1), Le(9)] = 1) -> Any:
    return Preview("text", "", "").as_answer()

@tool("shop.pay", headline="Pay {amount}", risk="critical", idempotent=True, external=True, reversible_with="shop.undo",
      timeout_seconds=7, sensitive_arguments=("to",), sensitive_results=("iban",), environment=("SHOP_URL",),
      preview=preview)
def pay(to: Annotated[list[str], "Who", Length(1, 3)], amount: Annotated[int, Ge(1), Le(9)] = 1) -> Any:
    """Pay someone.

    At once.
    """

@tool("shop.undo", headline="Undo", risk="low", read_only=True)
def undo() -> Any:
    """Undo."""
''')["shop.pay"]
    assert definition.schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["to"],
        "properties": {
            "to": {"type": "array", "items": {"type": "string"}, "description": "Who", "minItems": 1, "maxItems": 3},
            "amount": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
        },
    }
    assert vars(definition) | {"schema": 0, "declaration": 0, "digest": 0} == {
        "name": "shop.pay", "description": "Pay someone.\n\nAt once.", "schema": 0, "risk": "critical",
        "read_only": False, "idempotent": True, "reversible_with": "shop.undo", "external": True, "timeout_seconds": 7,
        "headline": "Pay {amount}", "sensitive_arguments": ("to",), "sensitive_results": ("iban",),
        "environment": ("SHOP_URL",), "module": "shop_tools.shop", "function": "pay", "preview": "preview",
        "declaration": 0, "digest": 0,
    }  # fmt: skip


def test_the_declaration_bytes_hold_all_of_it_and_the_digest_is_theirs(load: Load, tmp_path: Path) -> None:
    definition = load(PLAIN)["shop.refund"]
    declared = json.loads(definition.declaration)
    assert definition.declaration == canonical.encode(declared)
    assert definition.digest == hashlib.sha256(definition.declaration).hexdigest()
    fields = {name: value for name, value in vars(definition).items() if name not in ("declaration", "digest")}
    assert json.loads(json.dumps(fields)) == {name: value for name, value in declared.items() if name != "sources"}
    assert declared["sources"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "shop_tools").glob("*.py")
    }


@pytest.mark.parametrize(
    "change",
    [('risk="high"', 'risk="low"'), ("Refund {amount}", "Return {amount}"), ("Refund an order", "Pay an order"),
     ("Cents", "Euros"), ("amount: Annotated[int", "amount: Annotated[str"), ("'''\n", "'''\n    return {}\n"),
     ("'''\n", "'''  # a comment\n"), ("shop.refund", "shop.refund2")],
)  # fmt: skip
def test_any_change_of_declaration_or_code_changes_the_digest(load: Load, change: tuple[str, str]) -> None:
    (before,) = load(PLAIN).values()
    (after,) = load(PLAIN.replace(*change)).values()
    assert before.digest != after.digest


def test_a_file_beside_the_module_counts_and_a_cache_does_not(load: Load, tmp_path: Path) -> None:
    before = load(PLAIN)["shop.refund"]
    (tmp_path / "shop_tools" / "__pycache__").mkdir()
    (tmp_path / "shop_tools" / "__pycache__" / "shop.cpython-311.pyc").write_bytes(b"x")
    (tmp_path / "shop_tools" / "notes.txt").write_text("x")
    assert load(PLAIN)["shop.refund"].digest == before.digest
    (tmp_path / "shop_tools" / "inner").mkdir()
    (tmp_path / "shop_tools" / "inner" / "helper.py").write_text("x = 1\n")
    assert load(PLAIN)["shop.refund"].digest != before.digest


def test_a_file_changed_after_loading_is_noticed(load: Load, tmp_path: Path) -> None:
    definition = load(PLAIN)["shop.refund"]
    assert registry.is_unchanged(definition)
    (tmp_path / "shop_tools" / "shop.py").write_text(HEAD + PLAIN + "\n")
    assert not registry.is_unchanged(definition)


def test_two_loads_give_equal_definitions() -> None:
    modules = ["policy.tools.files", "policy.tools.email"]
    assert registry.load(modules) == registry.load(modules)


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        ("str", {"type": "string"}),
        ("bool", {"type": "boolean"}),
        ("float", {"type": "number"}),
        ("str | None", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("Literal['a', 'b']", {"enum": ["a", "b"], "type": "string"}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("list[Annotated[str, 'One', MaxLen(3)]]",
         {"type": "array", "items": {"type": "string", "description": "One", "maxLength": 3}}),
        ("Annotated[str, MinLen(2), 'Words']", {"type": "string", "minLength": 2, "description": "Words"}),
    ],
)  # fmt: skip
def test_type_hints_become_json_schema(load: Load, hint: str, schema: dict[str, Any]) -> None:
    source = f"@tool('a.b', headline='Do', risk='low')\ndef do(x: {hint}) -> Any:\n    'Do.'\n"
    assert load(source)["a.b"].schema["properties"]["x"] == schema


@pytest.mark.parametrize(
    ("parameter", "default"),
    [
        ("x: str = ''", ""), ("x: str | None = None", None), ("x: list[str] = []", []),
        ("x: list[str] = ('a',)", ["a"]), ("x: float = 1", 1), ("x: bool = False", False),
        ("x: dict[str, int] = {'a': 1}", {"a": 1}),
        ("x: Annotated[int, Field(ge=3, default=9)] = 4", 4),
    ],
)  # fmt: skip
def test_what_may_be_left_out_has_a_default_that_rules_can_judge(load: Load, parameter: str, default: object) -> None:
    schema = load(declared(parameters=parameter))["a.b"].schema
    assert schema["properties"]["x"]["default"] == default
    assert "required" not in schema


@pytest.mark.parametrize("name", ["model_config", "_x", "schema", "json", "self", "type", "properties", "argument_0"])
def test_an_argument_may_have_any_name(load: Load, name: str) -> None:
    schema = load(declared(parameters=f"x: int, {name}: str"))["a.b"].schema
    assert schema["properties"] == {"x": {"type": "integer"}, name: {"type": "string"}}
    assert schema["required"] == ["x", name]


def declared(name: str = "a.b", parameters: str = "x: str", more: str = "", doc: str = "Do.") -> str:
    options = {"headline": "'Do'", "risk": "'low'"} | dict(part.split("=", 1) for part in more.split("; ") if part)
    written = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"@tool({name!r}, {written})\ndef do({parameters}) -> Any:\n    {doc!r}\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        *((declared(name), "its name must be")
          for name in ("", "A.b", "a..b", ".a", "a.", "a__b", "a-b", "a b", "fіles.read", "a.b\n", "файл", "a.²")),
        (declared("a" * 65), "longer than 64"),
        (declared("a." * 22 + "a"), "longer than 64"),
        (declared(more="risk='none'"), "its risk must be"),
        (declared(more="timeout_seconds=0"), "its timeout must be"),
        (declared(more="timeout_seconds=99999"), "its timeout must be"),
        (declared(more="headline='Do {y}'"), "headline"),
        (declared(more="headline=' '"), "headline"),
        (declared(more="sensitive_arguments=('y',)"), "sensitive argument"),
        (declared(more="sensitive_arguments=('x',); headline='Do {x}'"), "sensitive argument"),
        (declared(more="reversible_with='a.c'"), "undoes it"),
        (declared(doc=""), "no docstring"),
        *((declared(more=f"environment=({name!r},)"), "its environment names what no tool gets") for name in (
            "SECRET_KEY", "DATABASE_URL", "M1_AUDIT_MAC_KEY", "M1_JWT_PRIVATE_KEY_FILE", "M1_JWT_SECRET", "A B", "",
            "M1_CONFIG", "ANTHROPIC_API_KEY",
        )),
        (declared(parameters="x"), "no type hint"),
        (declared(parameters="*x: str"), "cannot be given by name"),
        (declared(parameters="**x: str"), "cannot be given by name"),
        (declared(parameters="x: str, /"), "cannot be given by name"),
        (declared(parameters="x: bytes"), "not plain JSON"),
        (declared(parameters="x: Any"), "not plain JSON"),
        (declared(parameters="x: dict[int, str]"), "not plain JSON"),
        (declared(parameters="x: list"), "not plain JSON"),
        (declared(parameters="x: Annotated[str, Ge(1)]"), "does not fit its type: ge"),
        (declared(parameters="x: Annotated[int, MaxLen(1)]"), "does not fit its type: maxLength"),
        (declared(parameters="x: Annotated[int, Predicate(bool)]"), "JSON Schema has no word for"),
        (declared(parameters="x: Annotated[str, 3]"), "JSON Schema has no word for"),
        (declared(parameters="x: Unknown"), "cannot be read"),
        *((declared(parameters=parameters), "the default of 'x' is not seen in the schema") for parameters in (
            "x: Annotated[str, Field(description='d', default_factory=str)]",
            "x: Annotated[str, Field(description='d', default='q')]",
            "x: Annotated[int, Field(json_schema_extra={'default': 5})] = 4",
            "x: Annotated[int, Field(json_schema_extra={'default': 5})]",
            "x: str = Field('a')", "x: str = Field(default_factory=list)", "x: str = object()", "x: str = ...",
            "x: str = b'ab'", "x: list[str] = {'a'}",
        )),
        (declared(parameters="x: float = float('nan')"), "it is not JSON"),
        (declared(parameters="x: int = 2**60"), "it is not JSON"),
        *((declared(parameters=parameters), "a default does not satisfy the argument's own schema: `x")
          for parameters in ("x: int = 'a'", "x: str = None", "x: int = True", "x: list[str] = ['a', 1]",
                             "x: Annotated[int, Ge(3)] = 1", "x: Literal['a', 'b'] = 'c'")),
        ("def p(y: str) -> Any: ...\n" + declared(more="preview=p"), "its preview must be"),
        (declared(more="preview=Preview"), "its preview must be"),
        (declared() + declared().replace("def do", "def again"), "another tool has this name"),
        (declared() + "tool_one = do\n" + declared("a.c"), "not found under its own name"),
        ("x = 1\n", "declares no tool"),
    ],
)  # fmt: skip
def test_a_declaration_that_does_not_hold_is_refused_with_the_reason(load: Load, source: str, reason: str) -> None:
    with pytest.raises(BadToolError) as refusal:
        load(source)
    assert reason in str(refusal.value)


def test_an_imported_tool_belongs_to_the_module_that_declares_it(load: Load) -> None:
    source = PLAIN + "from policy.tools.files import read\n"
    assert list(load(source)) == ["shop.refund"]


def test_the_tools_that_ship_are_flagged_honestly() -> None:
    tools = registry.load(["policy.tools.files", "policy.tools.email", "policy.tools.http"])
    flags = {
        name: (
            tool.risk,
            tool.read_only,
            tool.idempotent,
            tool.external,
            tool.reversible_with,
            tool.preview is not None,
        )
        for name, tool in tools.items()
    }
    assert flags == {
        "files.list": ("low", True, True, False, None, False),
        "files.read": ("low", True, True, False, None, False),
        "files.write": ("medium", False, True, False, None, True),
        "files.delete": ("high", False, False, False, None, True),
        "email.send": ("high", False, False, True, None, True),
        "http.request": ("high", False, False, True, None, True),
    }
