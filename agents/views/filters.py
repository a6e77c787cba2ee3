"""What a list of waiting calls is narrowed to: a tool, an agent, a risk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet

from agents.approval.waiting import MOST
from agents.models import Agent, ToolCall
from agents.views.alike import Kind, as_text

NAMES = ("tool", "agent", "risk")
RISKS = ("critical", "high", "medium", "low")
MOST_CHARACTERS = 200
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; "" where it leaves something open. A value that nothing can have finds nothing."""

    tool: str = ""
    agent: str = ""
    risk: str = ""

    def __bool__(self) -> bool:
        return any((self.tool, self.agent, self.risk))

    @property
    def said(self) -> str:
        """What the list is narrowed to, in words."""
        parts = [f"tool {self.tool}" if self.tool else "", f"agent {self.agent}" if self.agent else ""]
        return ", ".join(filter(None, [*parts, f"{self.risk} risk" if self.risk else ""]))

    @property
    def kept(self) -> str:
        """What an address ends with that keeps them."""
        chosen = {name: getattr(self, name) for name in NAMES if getattr(self, name)}
        return f"&{urlencode(chosen)}" if chosen else ""

    def of(self, calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
        """Return those of the calls that are asked for."""
        if self.tool:
            calls = calls.filter(tool_name=self.tool)
        if self.agent:
            agent = Agent.objects.filter(name=self.agent).first()
            calls = calls.filter(agent=agent) if agent else calls.none()
        return calls.filter(risk=self.risk) if self.risk else calls


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person can narrow to: what there is in what they see."""

    tools: list[str]
    agents: list[str]
    risks: tuple[str, ...] = RISKS


def read(query: Mapping[str, str]) -> Filters:
    """Return what an address asks for."""
    return Filters(*(_clean(query.get(name, "")) for name in NAMES))


def choices(kinds: Iterable[Kind], chosen: Filters) -> Choices:
    """Return the tools and agents of these kinds, and what is chosen already."""
    rows = set(kinds)
    named = Agent.objects.filter(pk__in={UUID(agent) for _, agent in rows if agent})
    tools = {tool for tool, _ in rows} | {chosen.tool}
    agents = set(named.values_list("name", flat=True)) | {chosen.agent}
    return Choices(sorted(tools - {""}), sorted(agents - {""}))


def kinds_of(calls: QuerySet[ToolCall]) -> list[Kind]:
    """Return tool and agent of each of the calls, as far as anybody counts."""
    return list(calls.values_list("tool_name", as_text("agent"))[:MOST])


def _clean(text: str) -> str:
    """Return the text, or one that nothing is called where PostgreSQL would not take it."""
    return UNKNOWN if "\0" in text or len(text) > MOST_CHARACTERS else text.strip()
