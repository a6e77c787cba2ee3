"""Accounts: administrators make them and say who is in which group; nobody changes rights of their own."""

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit import trail
from audit.events import Event
from m1site.accounts.admin.forms import AccountForm, NewAccountForm
from m1site.accounts.admin.snapshots import changed, of_account
from m1site.accounts.admin.who_may import NAMES, editable, is_superuser, may_set_password, twins
from m1site.accounts.models import User

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin

SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@admin.register(User)
class M1UserAdmin(_UserAdmin):
    """People and service accounts. They are switched off, never deleted: what they did stays theirs."""

    form = AccountForm
    add_form = NewAccountForm
    list_display = (
        "username", "kind", "is_active", "is_staff", "in_groups", "second_factor", "last_login", "keys", "same_email",
    )  # fmt: skip
    list_filter = ("kind", "is_active", "is_staff", "groups")
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("username", "kind")}),
        ("Person", {"fields": (*NAMES, "email", "same_email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Sign-in", {"fields": ("second_factor", "last_login", "date_joined", "keys")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "kind", *NAMES, "email", "usable_password", "password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the accounts, with what the columns tell."""
        same = User.objects.filter(email__iexact=OuterRef("email"), email__contains="@").exclude(pk=OuterRef("pk"))
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
        told = {"has_twin": Exists(same), "has_factor": Exists(factors)}
        return super().get_queryset(request).prefetch_related("groups").annotate(**told)

    @admin.display(description="groups")
    def in_groups(self, user: User) -> str:
        """Return the names of the groups."""
        return ", ".join(sorted(group.name for group in user.groups.all()))

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, user: User) -> bool:
        """Tell whether the account signs in with more than a password."""
        return bool(getattr(user, "has_factor", False))

    @admin.display(description="API keys")
    def keys(self, user: User) -> SafeString:
        """Return the way to the account's keys."""
        address = reverse("admin:accounts_apikey_changelist")
        return format_html('<a href="{}?user__id__exact={}">Keys</a>', address, user.pk)

    @admin.display(description="e-mail of another too", boolean=True)
    def same_email(self, user: User) -> bool:
        """Tell whether another account has this address: approvals take the two for one person."""
        return bool(getattr(user, "has_twin", False))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the page's parts; `seen` is on it where something can be changed, the password where it can be set."""
        if obj is None:
            return self.add_fieldsets
        first = ["username", "kind"]
        if self.has_change_permission(request, obj):
            first = ["seen", *first, *(["password"] if may_set_password(request, obj) else [])]
        return ((None, {"fields": first}), *self.fieldsets[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Return what this person may not change of the account: a program never becomes a person, for one."""
        if obj is None:
            return ()
        return tuple(name for name in flatten_fieldsets(self.fieldsets) if name not in editable(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let administrators change accounts, and a superuser's only superusers."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or is_superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody is deleted."""
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        """Return the account; locked where it is about to change, so that two edits come one after the other."""
        user = super().get_object(request, object_id, from_field)
        if user is not None and request.method == "POST":
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            user = super().get_object(request, object_id, from_field)
        return user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save, and remember what was there before."""
        form.before = of_account(User.objects.get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the groups too, and write the event of the edit with what was there before and is there now."""
        super().save_related(request, form, formsets, change)
        user = User.objects.get(pk=form.instance.pk)
        facts = changed(form.before, of_account(user))
        if facts["after"]:
            _note(request, user, **facts, is_new=not change)
        if twin := twins(user).first():
            told = f"Another account has the same e-mail: {twin}. Approvals take the two for one person."
            self.message_user(request, told, messages.WARNING)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change another person's password as a superuser, in one transaction with its event."""
        with transaction.atomic():
            before = self.get_object(request, id)
            if before is not None and not may_set_password(request, before):
                raise PermissionDenied
            answer = super().user_change_password(request, id, form_url)
            if before is not None and User.objects.get(pk=before.pk).password != before.password:
                _note(request, before, is_password_changed=True)
        return answer


def _note(request: HttpRequest, user: User, **facts: Any) -> None:
    trail.append(Event.USER_CHANGED, actor=f"user:{request.user.pk}", subject=f"user:{user.pk}", **facts)
