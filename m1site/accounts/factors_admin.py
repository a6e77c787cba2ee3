"""Second factors in the admin: who has which, never their secrets; and the way back for who has lost theirs.

allauth's own pages are left out: they show the secrets, and change what only its flows may change.
"""

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ReadAdmin(_Admin):
    """Rows of people's security: seen by whoever may see accounts, deleted by superusers, edited by nobody."""

    list_select_related = ("user",)
    search_fields = ("user__username",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it to whoever may see accounts."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may see accounts see them."""
        return bool(getattr(request.user, "has_perm", lambda _: False)("accounts.view_user"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only people add their own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing in them is for editing."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only a superuser take them away: it is as good as a new password."""
        return bool(getattr(request.user, "is_superuser", False))


@admin.register(Authenticator)
class FactorAdmin(ReadAdmin):
    """Second factors. Deleting one ends all sessions of its owner."""

    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)


@admin.register(SocialAccount)
class IdentityAdmin(ReadAdmin):
    """Identities of the OpenID provider. Deleting one lets the account be linked anew."""

    list_display = fields = ("user", "provider", "uid", "date_joined", "last_login")
