"""The engines that are compared: M1, and peers where they are installed."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, Protocol

from m1site.bench.workload import Call, Workload


class Engine(Protocol):
    """An engine with the rules loaded."""

    def decide(self, call: Call) -> Any:
        """Return the engine's decision, having built whatever request it needs: this is what is timed."""

    def meaning(self, decision: Any) -> tuple[str, frozenset[int] | None]:
        """Return deny, approve or allow, and the ids of the rules that matched where the engine tells them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an engine's adapter is, and what must be installed for it."""

    module: str
    library: str

    @property
    def is_installed(self) -> bool:
        """Whether the library is there."""
        return importlib.util.find_spec(self.library) is not None

    def load(self, work: Workload) -> Engine:
        """Return the engine with the workload's rules."""
        engine: Engine = importlib.import_module(self.module).Adapter(work)
        return engine


ENGINES = {
    "m1": Entry("m1site.bench.m1_adapter", "policy"),
    "m1-named": Entry("m1site.bench.m1_named_adapter", "policy"),
    "cedarpy": Entry("m1site.bench.cedar_adapter", "cedarpy"),
    "cel-expr-python": Entry("m1site.bench.cel_adapter", "cel_expr_python"),
}
OURS = ("m1", "m1-named")
PEERS = tuple(name for name in ENGINES if name not in OURS)
