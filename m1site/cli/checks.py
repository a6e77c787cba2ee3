"""What `m1 check` finds out: facts for programs, words for people; `status` is ok, failed or disabled."""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agents.notifications import state
from audit import clock
from m1site import broker_state, health, holdings


class Found(NamedTuple):
    """What one check found."""

    facts: dict[str, Any]
    words: str


def database() -> Found:
    """Return whether the database answers and has every migration."""
    executor = MigrationExecutor(connection)
    missing = [
        f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
    ]
    facts = {"status": "failed" if missing else "ok", "vendor": connection.vendor, "missingMigrations": missing}
    told = (
        f"missing migrations: {', '.join(missing)}" if missing else f"{connection.vendor} answers; nothing is missing"
    )
    return Found(facts, told)


def broker() -> Found:
    """Return whether the message broker answers, and what waits there."""
    found = broker_state.look()
    facts = {"status": found.status, "kind": found.kind, "waiting": found.waiting, "warnings": found.warnings}
    if found.status == "disabled":
        return Found(facts, "M1_BROKER_URL is not set")
    waiting = ", ".join(f"{count} for {queue}" for queue, count in found.waiting.items() if count)
    answers = f"{found.kind} answers; waiting: {waiting or 'nothing'}"
    lines = [*(f"warning: {one}" for one in found.warnings), *([answers] if found.status == "ok" else [])]
    return Found(facts, "\n".join(lines))


def redis() -> Found:
    """Return whether the cache answers, if there is one."""
    facts = health.cache()
    return Found(facts, f"Redis: {facts['status']}")


def roles() -> Found:
    """Return what each process holds and can do; failed where one could sign, or holds what is not its own."""
    role = settings.M1_ROLE
    found = [str(one) for one in holdings.excess(role, os.environ)]
    warnings = [f"this process ({role}) {one}" for one in found]
    if signers := holdings.may_sign():
        warnings.append(
            f"with HS256 {' and '.join(signers)} hold the secret that signs; set M1_JWT_ALGORITHM=EdDSA to part them"
        )
    rows = [
        {"process": one.name, "queue": one.queue, "holds": list(one.holds), "can": list(one.can)}
        for one in holdings.processes()
    ]
    facts = {
        "status": "failed" if warnings else "ok",
        "algorithm": settings.M1_JWT_ALGORITHM,
        "thisProcess": {"role": role or "operator", "holds": holdings.held(os.environ)},
        "processes": rows,
        "warnings": warnings,
        "keys": _keys(),
    }
    return Found(facts, "\n".join([*(f"warning: {one}" for one in warnings), *_role_lines(facts)]))


def notifications() -> Found:
    """Return whether people outside M1 are told."""
    targets = state.targets()
    rows = [
        {"target": one.label, "group": one.group, "waiting": one.waiting, "givenUp": one.given_up,
         "lastSentAt": one.last_sent_at.isoformat() if one.last_sent_at else None, "problem": one.problem}
        for one in targets
    ]  # fmt: skip
    status = "failed" if any(one.problem for one in targets) else "ok" if targets else "disabled"
    words = [f"warning: {one.label}: {one.problem}" if one.problem else f"{one.label}: ok" for one in targets]
    return Found({"status": status, "targets": rows}, "\n".join(words) or "nobody is told; M1_NOTIFY_URLS is not set")


CHECKS: Mapping[str, Callable[[], Found]] = {
    "database": database, "broker": broker, "redis": redis, "roles": roles, "notifications": notifications
}  # fmt: skip


def _keys() -> list[dict[str, str | None]]:
    now = clock.now()
    return [
        {"kid": kid, "algorithm": key.algorithm, "state": str(settings.M1_KEYS.state(kid, now)),
         "retiredAt": key.retired_at.isoformat() if key.retired_at else None}
        for kid, key in settings.M1_KEYS.verifying.items()
    ]  # fmt: skip


def _role_lines(facts: Mapping[str, Any]) -> list[str]:
    mine, keys = facts["thisProcess"], facts["keys"]
    return [
        f"every process holds {', '.join(holdings.EVERYBODY)} as well",
        f"this process ({mine['role']}) holds {', '.join(mine['holds']) or 'nothing'}",
        *(f"{key['kid']} ({key['algorithm']}) is {key['state']}" for key in keys),
    ]
