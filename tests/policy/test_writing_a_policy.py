"""The page for policy authors says what is so: its document is loaded, tested and linted against the page on tools."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy import documents, lint, registry
from policy.operators import OPERATORS
from tests.policy.test_writing_a_tool import forget_package

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "writing-a-policy.md").read_text()


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    package = tmp_path / "shop_tools"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "orders.py").write_text(block((DOCS / "writing-a-tool.md").read_text(), "python"))
    monkeypatch.syspath_prepend(tmp_path)
    forget_package()
    yield registry.load(["shop_tools.orders"])["orders.refund"].schema
    forget_package()


def test_its_document_passes_its_own_tests_and_has_no_finding(schema: dict[str, object]) -> None:
    document = documents.load(block(PAGE, "yaml"))
    assert documents.run_tests(document, {"orders.refund": schema}) == []
    assert lint.findings(document, {"orders.refund": schema}) == []


def test_it_names_every_operator_and_no_other() -> None:
    table = PAGE.partition("| operators |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(OPERATORS)
