"""The roles that M1 comes with: groups, each with what its members may do. A rule may name any other group as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

EACH = "*"
SEEN_APPS = ("accounts", "agents", "audit", "policy", "m1site")


@dataclass(frozen=True, slots=True)
class Role:
    """What a role is for, and what it may.

    purpose      a sentence for people
    may          permissions as app.codename; `app.view_*` is to look at every kind of row that the app keeps
    people_only  its members decide, or say who decides and by which rules: no service account may be in it
    """

    purpose: str
    may: frozenset[str]
    people_only: bool = True


def _may(app: str, verbs: str, models: str = EACH) -> frozenset[str]:
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs.split() for model in models.split())


_SEE_EVERYTHING = frozenset().union(*(_may(app, "view") for app in SEEN_APPS), _may("auth", "view", "group"))
_READ_POLICY = _may("policy", "view", "draft rule ruletest policyversion policycheck tool toolversion")

ROLES = {
    "requester": Role(
        "Gives goals to agents and watches the runs.", _may("agents", "add view", "agentrun"), people_only=False
    ),
    "approver": Role(
        "Approves or rejects what agents ask for, or says yes ahead of time.",
        _may("policy", "add view", "approvaltoken"),
    ),
    "policy author": Role(
        "Writes and tests the rules of the next policy.",
        _READ_POLICY | _may("policy", "add change delete", "draft rule ruletest"),
    ),
    "policy publisher": Role(
        "Puts a policy that somebody else wrote in force.", _READ_POLICY | _may("policy", "add", "policyversion")
    ),
    "operator": Role(
        "Stops and restarts agents and tools, and says which versions of tools may run.",
        _may("agents", "view") | _may("agents", "add change", "halt") | _may("agents", "change", "notification")
        | _may("policy", "view")
        | _may("policy", "change", "toolversion"),
        people_only=False,
    ),
    "auditor": Role(
        "Looks into everything, arguments, results and how each person decides included, and changes nothing.",
        _SEE_EVERYTHING | _may("agents", "view", "bodies oversight"),
        people_only=False,
    ),
    "administrator": Role(
        "Makes accounts and says who is in which group; looks after agents, tools, tokens and halts.",
        _SEE_EVERYTHING | _may("accounts", "add change", "user apikey") | _may("auth", "add change", "group")
        | _may("agents", "add change", "agent halt") | _may("agents", "change", "delegation notification")
        | _may("policy", "change", "approvaltoken toolversion"),
    ),
    "break-glass": Role(
        "Says yes alone in an emergency, with a reason that a second person reviews.", _may("agents", "view", "bodies")
    ),
}  # fmt: skip


def install_in_migration(registry: Apps, schema_editor: object) -> None:
    """Install the roles while migrating, when Django has not made the permissions of new models yet."""
    del schema_editor
    for app in sorted({name.partition(".")[0] for role in ROLES.values() for name in role.may}):
        config: Any = registry.get_app_config(app)
        config.models_module = True  # what a migration is given has none, and then Django makes no permissions
        create_permissions(config, apps=registry, verbosity=0)
        config.models_module = None
    install(registry)


def install(registry: Apps = apps) -> None:
    """Make the roles that are missing and give each what it lacks; to do it again changes nothing.

    registry   whose models to use: those of the moment, for a migration
    Takes nothing away, neither roles nor permissions: what people added to a role they added on purpose. A permission
    that does not exist at that moment is left out; the migration that brings its model installs the roles again.
    """
    group_model: Any = registry.get_model("auth", "Group")
    group_model.objects.bulk_create([group_model(name=name) for name in ROLES], ignore_conflicts=True)
    groups = dict(group_model.objects.filter(name__in=ROLES).values_list("name", "pk"))
    known = list(_known(registry))
    link = group_model.permissions.through
    given = [
        link(group_id=groups[name], permission_id=key)
        for name, role in ROLES.items() for key, names in known if not role.may.isdisjoint(names)
    ]  # fmt: skip
    link.objects.bulk_create(given, ignore_conflicts=True)


def _known(registry: Apps) -> Iterator[tuple[int, set[str]]]:
    """Yield each permission with the names by which the table may mean it."""
    permission: Any = registry.get_model("auth", "Permission")
    rows = permission.objects.values_list("pk", "codename", "content_type__app_label", "content_type__model")
    for key, codename, app, model in rows:
        verb, _, what = codename.partition("_")
        yield key, {f"{app}.{codename}", f"{app}.{verb}_{EACH}" if what == model else ""}
