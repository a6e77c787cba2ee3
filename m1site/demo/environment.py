"""What each process of the demo is told. Every environment is made from nothing: none inherits the user's own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from m1site.demo.keys import Keys
from m1site.demo.place import Place

KEPT = ("PATH", "HOME", "LANG", "TZ")
TO_REACH = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"
)  # fmt: skip
TO_REACH_THE_MODEL = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", *TO_REACH)
NOTIFY_URLS = "M1_NOTIFY_URLS"
MAIL_FROM = "shop@example.com"


@dataclass(frozen=True)
class Facts:
    """All that the environments are made of.

    url       where people find the demo
    redis     address of the server, without the number of a database
    broker    address of the message broker; "" takes a database of that server
    model     how to reach the model: key, address, proxies; empty without a key
    notify    whom to tell outside M1, and how to reach them; empty without M1_NOTIFY_URLS
    """

    place: Place
    keys: Keys
    url: str
    redis: str = field(repr=False)
    model: Mapping[str, str] = field(repr=False)
    notify: Mapping[str, str] = field(default_factory=dict, repr=False)
    broker: str = field(default="", repr=False)


def let_go() -> None:
    """Forget the user's environment, so that nothing that is started from here can inherit it."""
    for name in [name for name in os.environ if name not in KEPT]:
        del os.environ[name]


def of(role: str, facts: Facts) -> dict[str, str]:
    """Return the environment of a role; "" is the operator, who prepares the database and holds the MAC key only."""
    return {**_common(facts), "M1_ROLE": role, **_own(role, facts)}


def of_notifications(facts: Facts) -> dict[str, str]:
    """Return the environment of the worker that tells people: housekeeping, and the only one with the addresses."""
    return {**of("housekeeping", facts), **facts.notify}


def _common(facts: Facts) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "DJANGO_SETTINGS_MODULE": "m1site.settings",
        "M1_MODE": "demo",
        "M1_URL": facts.url,
        "M1_BROKER_URL": facts.broker or f"{facts.redis}/0",
        "REDIS_URL": f"{facts.redis}/1",
        "DATABASE_URL": facts.place.database_url,
        "M1_JWT_ALGORITHM": "EdDSA",
        "M1_AUDIT_MAC_KEY": facts.keys.audit_mac_key,
    }


def _own(role: str, facts: Facts) -> dict[str, str]:
    """Return what only this role holds."""
    keys = facts.keys
    if role == "web":
        return {"SECRET_KEY": keys.session_key, "M1_JWT_PRIVATE_KEY": keys.private_key}
    if role == "planner":
        return {"M1_JWT_KEYS": keys.public_keys, **facts.model}
    if role == "executor":
        return {"M1_JWT_KEYS": keys.public_keys, **_for_tools(facts.place)}
    return {}


def _for_tools(place: Place) -> dict[str, str]:
    return {"M1_FILES_ROOT": str(place.workspace), "M1_EMAIL_URL": place.email_url, "M1_EMAIL_FROM": MAIL_FROM}
