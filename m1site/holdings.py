"""What each process of M1 may hold and can do, what this one holds, and what of that it should not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings

from m1site.env import HOLDERS
from policy.models import ToolVersion

EVERYBODY = ("DATABASE_URL", "M1_AUDIT_MAC_KEY", "M1_BROKER_URL")
NOT_SECRET = ("SSL_CERT_FILE", "SSL_CERT_DIR")
NOBODY = "nobody"


@dataclass(frozen=True)
class Process:
    """A process of M1.

    role   its M1_ROLE; "" for an operator's command
    queue  where its messages come from; "" for none
    holds  names of what it needs and others must not have, besides EVERYBODY's
    can    what it can do with that, in words
    """

    name: str
    role: str
    queue: str
    holds: tuple[str, ...]
    can: tuple[str, ...]


@dataclass(frozen=True)
class Excess:
    """Something that a process should not hold; `meant_for` are the roles, or the tools, that need it."""

    name: str
    meant_for: str

    def __str__(self) -> str:
        return f"holds {self.name}, which is for {self.meant_for}"


def processes() -> tuple[Process, ...]:
    """Return every process, with what the settings of this deployment make of it."""
    shared = settings.M1_JWT_ALGORITHM == "HS256"
    verifies = ("verify and, with HS256, sign approvals",) if shared else ("verify approvals",)
    keys = ("M1_JWT_SECRET",) if shared else ("M1_JWT_KEYS",)
    signs = keys if shared else ("M1_JWT_PRIVATE_KEY",)
    web = ("SECRET_KEY", *signs, *_set("M1_OIDC_CLIENT_SECRET"))
    return (
        Process("web", "web", "", web, ("take decisions", "sign approvals")),
        Process("planner", "planner", "planner", ("ANTHROPIC_API_KEY", *keys), ("call the model", *verifies)),
        Process("executor", "executor", "executor", (*sorted(for_tools()), *keys), ("run tools", *verifies)),
        Process("housekeeping", "housekeeping", "housekeeping", (), ("bring what is stuck to rest", "wake workers")),
        Process("beat", "housekeeping", "", (), ("call housekeeping",)),
        Process("notifications", "housekeeping", "notifications", ("M1_NOTIFY_URLS",), ("tell people",)),
        Process("operator", "", "", (), ("say which tools may run", "change keys")),
    )


def for_tools() -> dict[str, str]:
    """Return the variables that enabled tools declare, with the names of those tools: for the executor alone."""
    found: dict[str, set[str]] = {}
    for version in ToolVersion.objects.filter(state=ToolVersion.State.ENABLED).select_related("tool"):
        for name in version.declared.get("environment", ()):
            found.setdefault(name, set()).add(version.tool.name)
    return {name: ", ".join(sorted(tools)) for name, tools in found.items() if name not in NOT_SECRET}


def held(environment: Mapping[str, str]) -> list[str]:
    """Return the names of what a process with this environment holds, of all that matters."""
    known = {*EVERYBODY, *HOLDERS, *for_tools()}
    return sorted(name for name in known if environment.get(name) or environment.get(f"{name}_FILE"))


def excess(role: str, environment: Mapping[str, str]) -> Iterator[Excess]:
    """Yield what a process of this role should not hold; an operator may hold anything."""
    tools = for_tools()
    for name in held(environment) if role else ():
        roles = HOLDERS.get(name)
        if roles is not None and role not in roles:
            yield Excess(name, ", ".join(roles) or NOBODY)
        elif roles is None and name in tools and role != "executor":
            yield Excess(name, f"the executor's {tools[name]}")


def may_sign() -> list[str]:
    """Return the processes that could sign approvals although they only verify them."""
    return ["planner", "executor"] if settings.M1_JWT_ALGORITHM == "HS256" else []


def _set(name: str) -> tuple[str, ...]:
    return (name,) if getattr(settings, name) else ()
