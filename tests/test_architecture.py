"""What keeps the house in order: imports point down, stand at the top of a file, and no file grows without end."""

import ast
from collections.abc import Iterator
from pathlib import Path

LAYERS = ["audit", "policy", "agents", "m1site"]  # from the ground up
ROOT = Path(__file__).parent.parent
FILES = [file for layer in LAYERS for file in sorted((ROOT / layer).rglob("*.py"))]


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def found(file: Path, what: object) -> str:
    return f"{file.relative_to(ROOT)}: {what}"


def test_imports_point_down() -> None:
    wrong = []
    for file in FILES:
        above = LAYERS[LAYERS.index(file.relative_to(ROOT).parts[0]) + 1 :] + ["tests"]
        wrong += [found(file, name) for name in imports(ast.parse(file.read_text())) if name.split(".")[0] in above]
    assert FILES
    assert wrong == []


def test_nothing_but_another_door_imports_a_page() -> None:
    doors = {"admin", "views", "urls.py"}
    below = [file for file in FILES if file.is_relative_to(ROOT / "agents") and doors.isdisjoint(file.parts)]
    names = [(file, name) for file in below for name in imports(ast.parse(file.read_text()))]
    assert below and [found(file, name) for file, name in names if name.startswith("agents.views")] == []


def test_imports_stand_at_the_top_of_the_file() -> None:
    wrong = []
    for file in FILES:
        functions = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef))
        wrong += [found(file, name) for function in functions for name in imports(function)]
    assert wrong == []


def test_no_file_has_more_than_300_lines() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in FILES}
    long = {file: length for file, length in lengths.items() if length > 300 and file.parent.name != "migrations"}
    assert [found(file, length) for file, length in long.items()] == []
