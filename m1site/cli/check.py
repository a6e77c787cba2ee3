"""`m1 check`: whether what M1 needs is there, and whether the roles hold no more than they should."""

from typing import Any

import click
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agents.notifications import state
from audit import clock
from m1site import health
from m1site.cli.operator import told
from m1site.cli.output import as_json, show


@click.group(help="Check database, Redis, roles and notifications.")
def check() -> None:
    """Nothing but the commands."""


@check.command(help="Check that the database answers and has every migration.")
@as_json
@told
def database(is_json: bool) -> None:
    """Exit 1 where the database is away or behind."""
    executor = MigrationExecutor(connection)
    missing = [
        f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
    ]
    facts = {"status": "failed" if missing else "ok", "vendor": connection.vendor, "missingMigrations": missing}
    words = (
        f"missing migrations: {', '.join(missing)}" if missing else f"{connection.vendor} answers; nothing is missing"
    )
    _tell(facts, is_json, words)


@check.command(help="Check that the Redis cache answers, if there is one.")
@as_json
def redis(is_json: bool) -> None:
    """Exit 1 where a cache is set and does not answer."""
    facts = health.cache()
    _tell(facts, is_json, f"Redis: {facts['status']}")


@check.command(help="Check who could sign approvals, and which keys this process knows.")
@as_json
@told
def roles(is_json: bool) -> None:
    """Exit 1 where a process that only verifies could sign as well."""
    shared = settings.M1_JWT_ALGORITHM == "HS256"
    words = "with EdDSA only the web process, which holds the private key, signs"
    if shared:
        words = "with HS256 planner and executor hold the secret that signs; set M1_JWT_ALGORITHM=EdDSA to part them"
    now = clock.now()
    keys = [
        {"kid": kid, "algorithm": key.algorithm, "state": str(settings.M1_KEYS.state(kid, now)),
         "retiredAt": key.retired_at.isoformat() if key.retired_at else None}
        for kid, key in settings.M1_KEYS.verifying.items()
    ]  # fmt: skip
    facts = {"status": "failed" if shared else "ok", "algorithm": settings.M1_JWT_ALGORITHM, "keys": keys}
    _tell(facts, is_json, "\n".join([words, *(f"{key['kid']} ({key['algorithm']}) is {key['state']}" for key in keys)]))


@check.command(help="Check that people outside M1 are told what waits for them.")
@as_json
@told
def notifications(is_json: bool) -> None:
    """Exit 1 where a target fails, nobody sends to it, or something was given up in the last day."""
    found = state.targets()
    rows = [
        {"target": one.label, "group": one.group, "waiting": one.waiting, "givenUp": one.given_up,
         "lastSentAt": one.last_sent_at.isoformat() if one.last_sent_at else None, "problem": one.problem}
        for one in found
    ]  # fmt: skip
    status = "failed" if any(one.problem for one in found) else "ok" if found else "disabled"
    words = [f"warning: {one.label}: {one.problem}" if one.problem else f"{one.label}: ok" for one in found]
    _tell({"status": status, "targets": rows}, is_json, "\n".join(words) or "nobody is told; M1_NOTIFY_URLS is not set")


def _tell(facts: dict[str, Any], is_json: bool, words: str) -> None:
    show(facts, is_json, words)
    if facts["status"] == "failed":
        click.get_current_context().exit(1)
