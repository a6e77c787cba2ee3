"""What is filled in about accounts, groups and keys, and what is refused there."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from audit import canonical
from m1site.accounts import api_keys, groups
from m1site.accounts.admin.snapshots import of_account
from m1site.accounts.models import ApiKey, User
from policy.rule_fields import LABEL

if TYPE_CHECKING:
    _ChangeForm = UserChangeForm[User]
    _GroupForm = forms.ModelForm[Group]
    _KeyForm = forms.ModelForm[ApiKey]
    _NewForm = AdminUserCreationForm[User]
else:
    _ChangeForm = UserChangeForm
    _GroupForm = forms.ModelForm
    _KeyForm = forms.ModelForm
    _NewForm = AdminUserCreationForm


class NewAccountForm(_NewForm):
    """A new account, a person's or a program's."""

    class Meta:
        model = User
        fields = ("username", "kind", "first_name", "last_name", "email")

    def clean(self) -> dict[str, Any]:
        """Refuse a password for a program: it has API keys."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == User.Kind.SERVICE and cleaned.get("set_usable_password"):
            self.add_error("usable_password", "A service account has API keys and no password: choose Disabled.")
        return cleaned


class AccountForm(_ChangeForm):
    """An account as it is changed; `seen` is what stood there when the page was made."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = digest(self.instance)

    def clean(self) -> dict[str, Any]:
        """Refuse to undo what somebody else has just changed, and to let a program decide."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("seen") != digest(User.objects.get(pk=self.instance.pk)):
            raise ValidationError("Nothing was saved: somebody changed this account meanwhile. Look at it again.")
        if self.instance.kind == User.Kind.SERVICE:
            self._refuse_privileges(cleaned)
        return cleaned

    def _refuse_privileges(self, cleaned: dict[str, Any]) -> None:
        for name in ("is_staff", "is_superuser"):
            if cleaned.get(name):
                self.add_error(name, "A service account never enters the admin.")
        names = groups.deciding().intersection(group.name for group in cleaned.get("groups") or ())
        if names:
            self.add_error("groups", f"Only people may be in {', '.join(sorted(names))}: a program never decides.")


def digest(user: User) -> str:
    """Return the digest of all that can be edited of an account."""
    return canonical.digest(canonical.encode(of_account(user)))


class GroupForm(_GroupForm):
    """A group that rules can name."""

    def clean_name(self) -> str:
        """Return the name; refuses one that no rule could name, or that looks like another group's."""
        name = str(self.cleaned_data["name"])
        if not LABEL.fullmatch(name) or not name.isprintable():
            raise ValidationError("Must be one line of printable characters.")
        if other := Group.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).first():
            raise ValidationError(f"There is the group {other.name}.")
        return name


class NewKeyForm(_KeyForm):
    """What a new key is for."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in api_keys.SCOPES], widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(min_value=1, max_value=api_keys.MAX_DAYS, initial=90, help_text="How long it lasts.")

    class Meta:
        model = ApiKey
        fields = ("user", "name", "scopes")
