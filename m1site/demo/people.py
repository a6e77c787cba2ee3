"""The people of the demo, and what their groups may do."""

import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from audit import trail

ACTOR = "system:cli"
REQUESTER, APPROVER, SECOND_APPROVER = "riley", "ava", "sam"
MEMBERS = {
    REQUESTER: ["requester"], APPROVER: ["approver", "auditor", "policy publisher"],
    SECOND_APPROVER: ["approver", "policy author"],
}  # fmt: skip
IN_THE_ADMIN = {APPROVER, SECOND_APPROVER}
OUR_APPS = ("accounts", "agents", "audit", "policy")
WRITTEN = ("draft", "rule", "ruletest")
READ_BY_AUTHORS = [f"view_{name}" for name in (*WRITTEN, "policyversion", "policycheck", "tool", "toolversion")]
MAY = {
    "requester": Q(content_type__app_label="agents", codename__in=["add_agentrun", "view_agentrun"]),
    "approver": Q(content_type__app_label="policy", codename__in=["add_approvaltoken", "view_approvaltoken"]),
    "auditor": Q(content_type__app_label__in=OUR_APPS, codename__startswith="view_"),
    "policy author": Q(content_type__app_label="policy", content_type__model__in=WRITTEN)
    | Q(content_type__app_label="policy", codename__in=READ_BY_AUTHORS),
    "policy publisher": Q(content_type__app_label="policy", codename__in=[*READ_BY_AUTHORS, "add_policyversion"]),
}
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = 8  # 70 to the power of 8: 49 bits, for a server that only this machine reaches


def create() -> dict[str, str]:
    """Create groups and people within the caller's transaction, and return the passwords by name."""
    for name, may in MAY.items():
        Group.objects.create(name=name).permissions.set(Permission.objects.filter(may))
    return {name: _create(name, groups) for name, groups in MEMBERS.items()}


def _create(name: str, groups: list[str]) -> str:
    password = readable_password()
    person = get_user_model().objects.create_user(
        username=name, first_name=name.title(), password=password, is_staff=name in IN_THE_ADMIN
    )
    person.groups.set(Group.objects.filter(name__in=groups))
    trail.append("user.changed", actor=ACTOR, subject=f"user:{person.pk}", username=name, groups=groups)
    return password


def readable_password() -> str:
    """Return a random password that can be read aloud: bako-duri-meta-pelo."""
    syllables = [secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _ in range(SYLLABLES)]
    return "-".join(first + second for first, second in zip(syllables[::2], syllables[1::2], strict=True))
