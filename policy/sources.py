"""The source files that a tool is made of."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

from audit import canonical

_CODE = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)


def digests(module: str) -> dict[str, str]:
    """Return the SHA-256 of every source file of the module's package, by path relative to the package.

    For `policy.tools.files` the package is the directory `policy/tools`, with all below it; a module in no package
    stands for itself alone.
    """
    origin = _origin(module)
    if "." not in module and origin.name != "__init__.py":
        return {origin.name: canonical.digest(origin.read_bytes())}
    package = origin.parent
    return {path.relative_to(package).as_posix(): canonical.digest(path.read_bytes()) for path in _files(package)}


def _origin(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin:
        raise FileNotFoundError(f"{module} is not a module that is read from a file")
    return Path(spec.origin)


def _files(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*")):
        if path.name.endswith(_CODE) and path.is_file():
            yield path
