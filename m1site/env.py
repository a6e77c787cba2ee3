"""Read settings from the environment and stop the start with one line when a value is wrong."""

import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import environ

from m1site import weak

T = TypeVar("T")
MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"

# Names that are promised for parts of M1 that are not built yet. Setting one would have no effect, so it is refused.
NOT_BUILT_YET = frozenset(
    "M1_CHECKPOINT_KEY M1_CHECKPOINT_SINKS METRICS_EXPORT_INTERVAL_MS COST_ALERT_THRESHOLD "
    "ENABLE_DISTRIBUTED_CACHE ENABLE_DASHBOARD_API RATE_LIMIT_REQUESTS_PER_MINUTE RATE_LIMIT_REQUESTS_PER_HOUR "
    "ALLOWED_ORIGINS PROMETHEUS_METRICS_ENABLED".split()
)
# Read by other programs of M1 (command line, demo, tests, tools), never by the settings.
READ_ELSEWHERE = frozenset(
    "M1_CONFIG M1_API_KEY M1_DEMO_PORT M1_FILES_ROOT M1_EMAIL_URL M1_EMAIL_FROM M1_HTTP_HOSTS M1_HTTP_HEADERS "
    "M1_REQUEST_ID M1_RACE_ROUNDS".split()
)

# Roles that may hold a secret, and keys that verify; the operator, who has no role, may hold any.
OIDC_NAMES = ("M1_OIDC_URL", "M1_OIDC_CLIENT_ID", "M1_OIDC_CLIENT_SECRET")
HOLDERS: dict[str, list[str]] = {
    "SECRET_KEY": ["web"], "M1_JWT_PRIVATE_KEY": ["web"], **dict.fromkeys(OIDC_NAMES, ["web"]),
    "M1_JWT_SECRET": ["web", "planner", "executor"], "M1_JWT_KEYS": ["web", "planner", "executor"],
    "ANTHROPIC_API_KEY": ["planner"], "ANTHROPIC_AUTH_TOKEN": ["planner"],
    "M1_EMAIL_URL": ["executor"], "M1_FILES_ROOT": ["executor"], "M1_HTTP_HEADERS": ["executor"],
    "M1_NOTIFY_URLS": ["housekeeping"],
    "M1_API_KEY": [],  # a person's: who has it decides as that person
}  # fmt: skip


def refuse(name: str, why: str) -> NoReturn:
    """End the process with one line that names the setting and the way out."""
    sys.exit(f"m1: {name}: {why}")


class Settings(environ.FileAwareEnv):
    """django-environ, with NAME_FILE, refusals in one line, and a memory of what was read.

    names       that were read
    takes_weak  whether a secret that can be guessed will do: in the demo, which only its own machine reaches
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.takes_weak = False
        self._secrets: dict[bytes, str] = {}
        config = os.environ.get("M1_CONFIG")
        if config:
            if not Path(config).is_file():
                refuse("M1_CONFIG", f"there is no file {config}")
            self.read_env(config, overwrite=False)

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(var)
        try:
            return super().get_value(var, *args, **kwargs)
        except environ.ImproperlyConfigured:
            refuse(var, "is not set; see docs/settings.md")
        except (ValueError, TypeError, OSError) as exc:
            refuse(var, f"cannot be read: {exc}")

    def all_or_none(self, *names: str) -> list[str]:
        """Return the values, without spaces around them; refuse the first that is missing where another is there."""
        values = [str(self.str(name, default="")).strip() for name in names]
        for name, value in zip(names, values, strict=True):
            if any(values) and not value:
                refuse(name, f"is not set; set all of {', '.join(names)}, or none")
        return values

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.str(name, default=default)
        if value not in choices:
            refuse(name, f"is {value!r}; it must be one of {', '.join(sorted(filter(None, choices)))}")
        return str(value)

    def number(self, name: str, *, default: int, at_least: int = 0, at_most: int) -> int:
        value = self.int(name, default=default)
        if not at_least <= value <= at_most:
            refuse(name, f"is {value}; it must be between {at_least} and {at_most}")
        return int(value)

    def parsed(self, name: str, parse: Callable[[str], Any], *, default: str = "") -> Any:
        """Return parse(value); what it raises as ValueError is the one line."""
        return self.made(name, parse, self.str(name, default=default))

    def made(self, name: str, make: Callable[[T], Any], value: T) -> Any:
        """Return make(value), which came of a setting; what it raises as ValueError is the one line."""
        try:
            return make(value)
        except ValueError as exc:
            refuse(name, str(exc))

    def secret(self, name: str, *, required: bool, at_least_bytes: int = 32) -> bytes:
        """Return the secret's bytes, b"" when it is neither set nor required; no two settings may share one."""
        value = str(self.str(name, default="")).rstrip("\r\n").encode()  # a file's last line break is none of it
        if required and not value:
            refuse(name, "is not set; see docs/settings.md")
        if value and len(value) < at_least_bytes:
            refuse(name, f"has {len(value)} bytes; it needs at least {at_least_bytes} random ones; {MAKE_ONE}")
        if value:
            self.refuse_weak(name, value)
        return value

    def refuse_weak(self, name: str, secret: bytes, *, may_equal: str = "") -> None:
        """Refuse a secret that can be guessed, or that another setting has too.

        may_equal   the setting that may have the same
        """
        if self.takes_weak:
            return
        if problem := weak.why(secret):
            refuse(name, f"can be guessed: it {problem}; {MAKE_ONE}")
        if (other := self._secrets.setdefault(secret, name)) not in (name, may_equal):
            refuse(name, f"has the same value as {other}; give each a secret of its own; {MAKE_ONE}")

    def refuse_unknown(self, environment: Mapping[str, str]) -> None:
        """Refuse names that would have no effect: of parts not built yet, and misspelt ones."""
        for name in sorted(environment):
            plain = name.removesuffix("_FILE")
            if plain in NOT_BUILT_YET:
                refuse(name, "is not supported by this release; remove it")
            if name.startswith("M1_") and not name.startswith("M1_TEST_") and plain not in self.names | READ_ELSEWHERE:
                refuse(name, "is not a setting of M1; see docs/settings.md")


def refuse_foreign_secrets(role: str, holders: Mapping[str, Collection[str]], environment: Mapping[str, str]) -> None:
    """Refuse a secret that the process of this role has no use for: what it does not hold cannot leak from it.

    holders   roles that may hold the secret, by the secret's name
    """
    for name, roles in holders.items():
        if role and role not in roles and (environment.get(name) or environment.get(f"{name}_FILE")):
            refuse(name, f"must not be given to the {role}; it is for: {', '.join(roles) or 'a person at a terminal'}")
