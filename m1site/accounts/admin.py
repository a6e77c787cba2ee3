"""Accounts in the admin: who there is, in which groups; and API keys, made here, shown once, revoked here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit import trail
from audit.events import Event
from m1site.accounts import api_keys
from m1site.accounts.models import ApiKey, User

if TYPE_CHECKING:
    _KeyAdmin = admin.ModelAdmin[ApiKey]
    _KeyForm = forms.ModelForm[ApiKey]
    _NewUserForm = AdminUserCreationForm[User]
    _UserAdmin = UserAdmin[User]
else:
    _KeyAdmin = admin.ModelAdmin
    _KeyForm = forms.ModelForm
    _NewUserForm = AdminUserCreationForm
    _UserAdmin = UserAdmin

# Whoever may edit these makes approvers: superusers alone, and nobody for themselves.
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions", "kind")
HIDDEN = frozenset({"password", "password1", "password2", "usable_password"})


class NewUserForm(_NewUserForm):
    """A new account, a person or a program's."""

    class Meta:
        model = User
        fields = ("username", "kind")


@admin.register(User)
class M1UserAdmin(_UserAdmin):
    """People and service accounts. They are switched off, never deleted: what they did stays theirs."""

    add_form = NewUserForm
    list_display = ("username", "kind", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("kind", "is_active", "is_staff", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "kind")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "kind", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Return what this person may not edit: rights, unless as a superuser, and never one's own."""
        may_grant = getattr(request.user, "is_superuser", False) and (obj is None or obj.pk != request.user.pk)
        return self.readonly_fields if may_grant or obj is None else (*self.readonly_fields, *RIGHTS, "is_active")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let only a superuser touch another's account: a new password is as good as the person."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or obj.pk == request.user.pk or bool(getattr(request.user, "is_superuser", False)))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody is deleted."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save groups too, and write the event of the edit with what was there before and is there now."""
        before = {name: _plain(form[name].initial) for name in form.changed_data if name not in HIDDEN}
        super().save_related(request, form, formsets, change)
        after = {name: _plain(form.cleaned_data.get(name)) for name in before}
        password = bool(HIDDEN & set(form.changed_data))
        facts = {"before": before, "after": after, "is_new": not change, "is_password_changed": password}
        _note(request, form.instance, facts)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change a password, in one transaction with its event."""
        with transaction.atomic():
            old = User.objects.filter(pk=id).values_list("password", flat=True).first()
            answer = super().user_change_password(request, id, form_url)
            user = User.objects.filter(pk=id).first()
            if user is not None and user.password != old:
                _note(request, user, {"is_password_changed": True})
        return answer


class NewKeyForm(_KeyForm):
    """What a new key is for."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in api_keys.SCOPES], widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(min_value=1, max_value=api_keys.MAX_DAYS, initial=90, help_text="How long it lasts.")

    class Meta:
        model = ApiKey
        fields = ("user", "name", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(_KeyAdmin):
    """API keys: one's own and, for who may, those of service accounts. Nobody makes a key of another person."""

    list_display = ("name", "user", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user__kind",)
    search_fields = ("name", "prefix", "user__username")
    date_hierarchy = "created_at"
    list_select_related = ("user",)
    actions = ("revoke",)
    readonly_fields = (
        "user", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
    )  # fmt: skip
    fields = readonly_fields

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form of a new key; an old one is only read."""
        return super().get_form(request, obj, change, **kwargs) if obj else _form_for(request)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Return what to fill in, or to read."""
        return self.readonly_fields if obj else ("user", "name", "scopes", "days")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Return everything for a key that exists."""
        return self.readonly_fields if obj else ()

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key, with its event, in the admin's transaction."""
        if change:
            return
        data = form.cleaned_data
        key, form.plain = api_keys.create(
            obj.user, name=data["name"], scopes=data["scopes"], days=data["days"], actor=_person(request)
        )
        obj.pk = key.pk
        request.m1_new_key = (key, form.plain)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key, on a page of its own: a message would keep it in a cookie."""
        key, plain = request.m1_new_key  # type: ignore[attr-defined]
        context = {**self.admin_site.each_context(request), "title": "API key", "key": key, "plain": plain}
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/accounts/api_key_created.html", context, headers=headers)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the chosen keys at once."""
        ended = sum(api_keys.revoke(key, actor=_person(request)) for key in queryset)
        self.message_user(request, f"Revoked: {ended}.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Keys are revoked, never deleted."""
        return False


def _form_for(request: HttpRequest) -> type[NewKeyForm]:
    """Return the form with the accounts for which this person may make a key."""
    accounts = User.objects.filter(Q(pk=request.user.pk) | Q(kind=User.Kind.SERVICE), is_active=True)

    class Form(NewKeyForm):
        """With its choices."""

        user = forms.ModelChoiceField(accounts, initial=request.user.pk)

    return Form


def _note(request: HttpRequest, user: User, facts: dict[str, Any]) -> None:
    trail.append(Event.USER_CHANGED, actor=f"user:{request.user.pk}", subject=f"user:{user.pk}", **facts)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # the admin lets nobody else in
        raise TypeError
    return request.user


def _plain(value: Any) -> Any:
    if isinstance(value, QuerySet | list | tuple):
        return sorted(str(one) for one in value)
    return value if value is None or isinstance(value, bool | int) else str(value)
