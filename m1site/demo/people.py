"""The people of the demo, and the roles that they are in."""

import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from audit import trail
from m1site.accounts import roles

ACTOR = "system:cli"
REQUESTER, APPROVER, SECOND_APPROVER, ADMINISTRATOR = "riley", "ava", "sam", "omar"
MEMBERS = {
    REQUESTER: ["requester"],
    APPROVER: ["approver", "auditor", "policy publisher"],
    SECOND_APPROVER: ["approver", "policy author"],
    ADMINISTRATOR: ["operator", "administrator", "break-glass"],
}
IN_THE_ADMIN = {APPROVER, SECOND_APPROVER, ADMINISTRATOR}
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = 8  # 70 to the power of 8: 49 bits, for a server that only this machine reaches


def create() -> dict[str, str]:
    """Create people in their roles within the caller's transaction, and return the passwords by name."""
    roles.install()
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
