"""What a person fills in for an API key of their own."""

from django import forms

from m1site.accounts import api_keys

MAX_DAYS = 365
DEFAULT_SCOPES = ("read", "propose", "decide")


class KeyForm(forms.Form):
    """What a new key is called, what it may do, how long it lasts."""

    name = forms.CharField(max_length=100, help_text="Where it will be used, to know it again: laptop, build server.")
    scopes = forms.MultipleChoiceField(
        label="It may", choices=[(scope, scope.capitalize()) for scope in api_keys.SCOPES],
        initial=DEFAULT_SCOPES, widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    days = forms.IntegerField(label="Days until it ends", min_value=1, max_value=MAX_DAYS, initial=90)
