"""API keys in the admin: made here, shown once, replaced and revoked here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from m1site.accounts import api_keys
from m1site.accounts.admin.forms import NewKeyForm
from m1site.accounts.api_keys import ApiKeyRefusedError
from m1site.accounts.models import ApiKey, User

if TYPE_CHECKING:
    _KeyAdmin = admin.ModelAdmin[ApiKey]
else:
    _KeyAdmin = admin.ModelAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(_KeyAdmin):
    """API keys: one's own and, for who may, those of service accounts. Nobody makes a key of another person."""

    list_display = ("name", "user", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user__kind",)
    search_fields = ("name", "prefix", "user__username")
    date_hierarchy = "created_at"
    list_select_related = ("user",)
    actions = ("replace", "revoke")
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
        """Show the key that was made."""
        return self._shown(request, *request.m1_new_key)  # type: ignore[attr-defined]

    @admin.action(description="Replace one by a new key", permissions=["add"])
    def replace(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Make the successor of the chosen key and show it; the old one ends a day later."""
        mine = queryset.filter(user__in=_accounts(request))
        if len(queryset) != 1 or len(mine) != 1:
            told = "Choose one key, of yours or of a service account."
            self.message_user(request, told, messages.WARNING)
            return None
        try:
            return self._shown(request, *api_keys.replace(mine[0], actor=_person(request)))
        except ApiKeyRefusedError as exc:
            self.message_user(request, str(exc), messages.WARNING)
            return None

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the chosen keys at once."""
        ended = sum(api_keys.revoke(key, actor=_person(request)) for key in queryset)
        self.message_user(request, f"Revoked: {ended}.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Keys are revoked, never deleted."""
        return False

    def _shown(self, request: HttpRequest, key: ApiKey, plain: str) -> HttpResponse:
        """Return a new key on a page of its own: a message would keep it in a cookie."""
        context = {**self.admin_site.each_context(request), "title": "API key", "key": key, "plain": plain}
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/accounts/api_key_created.html", context, headers=headers)


def _form_for(request: HttpRequest) -> type[NewKeyForm]:
    """Return the form with the accounts for which this person may make a key."""

    class Form(NewKeyForm):
        """With its choices."""

        user = forms.ModelChoiceField(_accounts(request), initial=request.user.pk)

    return Form


def _accounts(request: HttpRequest) -> QuerySet[User]:
    return User.objects.filter(Q(pk=request.user.pk) | Q(kind=User.Kind.SERVICE), is_active=True)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # the admin lets nobody else in
        raise TypeError
    return request.user
