"""Who may change what of an account in the admin, and which accounts are one person's."""

from django.db.models import QuerySet
from django.http import HttpRequest

from m1site.accounts.models import User

NAMES = ("first_name", "last_name")
BY_ADMINISTRATORS = frozenset((*NAMES, "is_active", "is_staff", "groups"))
# An address says who somebody is: two accounts with the same one count as one person.
BY_SUPERUSERS = BY_ADMINISTRATORS | {"username", "email", "is_superuser", "user_permissions"}


def is_superuser(request: HttpRequest) -> bool:
    """Tell whether a superuser asks."""
    return bool(getattr(request.user, "is_superuser", False))


def editable(request: HttpRequest, user: User) -> frozenset[str]:
    """Return what this person may change of an account: of one's own, no more than how one is called."""
    if user.pk == request.user.pk:
        return frozenset(NAMES)
    return BY_SUPERUSERS if is_superuser(request) else BY_ADMINISTRATORS


def may_set_password(request: HttpRequest, user: User) -> bool:
    """Tell whether this person may give an account a new password: it is as good as the person. Programs have none."""
    return is_superuser(request) and user.is_person and user.pk != request.user.pk


def twins(user: User) -> QuerySet[User]:
    """Return the other accounts with the same e-mail, which approvals take for one person."""
    if "@" not in user.email:
        return User.objects.none()
    return User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).order_by("username")
