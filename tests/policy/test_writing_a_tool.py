"""The page that tells how to write a tool does what it says: its code is taken from it and run."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest

from agents.sandbox import running
from agents.sandbox.running import Limits
from policy import documents, lint, registry
from policy.declare import tool
from policy.registry import Definition

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "writing-a-tool.md").read_text()
CALL = {"order": "1001", "cents": 1500, "account": "DE89370400440532013000"}
LIMITS = Limits(seconds=20, cpu_seconds=10, memory_mb=512, output_bytes=64_000, open_files=64)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def forget_package() -> None:
    """Have the next import find what is on disk; other tests have packages of this name too."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop_tools"]:
        del sys.modules[name]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page's package, written where the page says, and importable."""
    package = tmp_path / "shop_tools"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "orders.py").write_text(blocks("python")[0])
    (package / "test_orders.py").write_text(blocks("python")[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_package()
    yield "shop_tools.orders"
    forget_package()


@pytest.fixture
def definition(module: str) -> Definition:
    return registry.load([module])["orders.refund"]


def test_the_schema_is_what_the_page_says(definition: Definition) -> None:
    assert definition.schema["required"] == ["order", "cents", "account"]
    assert definition.schema["properties"]["order"]["maxLength"] == 20
    assert definition.schema["properties"]["reason"] == json.loads(blocks("json")[0])


def test_the_tool_runs_in_the_sandbox_as_its_preview_shows(definition: Definition, tmp_path: Path) -> None:
    ledger, request_id = tmp_path / "ledger", str(uuid4())
    results = [
        running.run(
            definition, function, json.dumps(CALL).encode(), request_id=request_id, limits=LIMITS,
            environment={"SHOP_LEDGER": str(ledger)}, beat=lambda: True,
        )
        for function in ("preview_refund", "refund")
    ]  # fmt: skip
    shown, done = (json.loads(result.output) for result in results)
    assert done == {"order": "1001", "cents": 1500}
    assert ledger.read_text() == shown["body"] + "\n"
    assert json.loads(shown["body"])["request"] == request_id
    assert shown["summary"] == "Pays 15.00 euros"


def test_the_pages_own_tests_pass(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = functions(importlib.import_module("shop_tools.test_orders"))
    assert len(tests) == 2
    for name in tests:
        (tmp_path / name).mkdir()
        tests[name](tmp_path / name, monkeypatch)


def functions(module: ModuleType) -> dict[str, Callable[..., None]]:
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


def test_the_pages_policy_fits_the_tool_and_its_tests_pass(definition: Definition) -> None:
    document = documents.load(blocks("yaml")[0])
    assert documents.run_tests(document, {definition.name: definition.schema}) == []
    assert list(lint.findings(document, {definition.name: definition.schema})) == []


def test_every_word_of_a_declaration_is_on_the_page() -> None:
    words = set(inspect.signature(tool).parameters) - {"name"}
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


def test_the_page_names_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
    assert len(links) >= 3
