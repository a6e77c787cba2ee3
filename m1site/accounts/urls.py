"""Everything under /accounts/. Of allauth's pages only those that are named here exist.

Not here by intent: sign-up (administrators make accounts), everything that sends mail (M1 sends none), codes by mail
and phone, connecting identities by hand, trusted browsers. Whatever changes a second factor or a password is one
transaction with its event.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as identities
from allauth.usersessions import views as usersessions
from django.db import transaction
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView

from m1site.accounts import limiting, security, single_sign_on, views

whole = transaction.atomic
sign_out = require_POST(account.logout)

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("login/", account.login, name="login"),
    path("logout/", sign_out, name="account_logout"),
    path("logout/", sign_out, name="logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("password/reset/", security.password_reset, name="account_reset_password"),
    path("oidc/login/", limiting.counted(single_sign_on.begin), name="oidc-login"),
    path("oidc/login/callback/", single_sign_on.end, name="oidc-callback"),
    path("oidc/cancelled/", identities.login_cancelled, name="socialaccount_login_cancelled"),
    path("", security.page, name="security"),
    path("confirm/", security.step_up, name="step-up"),
    path("reauthenticate/", never_cache(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", never_cache(whole(account.password_change)), name="account_change_password"),
    path("password/none/", security.no_password, name="account_set_password"),
    path("keys/", views.page, name="api-keys"),
    path("keys/<uuid:key_id>/replace/", views.replace, name="api-key-replace"),
    path("keys/<uuid:key_id>/revoke/", views.revoke, name="api-key-revoke"),
    path("sessions/", never_cache(whole(usersessions.list_usersessions)), name="usersessions_list"),
    path("sessions/end/", security.sign_out_everywhere, name="sign-out-everywhere"),
    path("2fa/", RedirectView.as_view(pattern_name="security"), name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", never_cache(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", never_cache(whole(totp.activate_totp)), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", never_cache(whole(totp.deactivate_totp)), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", never_cache(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        never_cache(whole(codes.generate_recovery_codes)),
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/recovery-codes/download/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("2fa/webauthn/", never_cache(passkeys.list_webauthn), name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", never_cache(whole(passkeys.add_webauthn)), name="mfa_add_webauthn"),
    path("2fa/webauthn/login/", never_cache(limiting.counted(passkeys.login_webauthn)), name="mfa_login_webauthn"),
    path(
        "2fa/webauthn/reauthenticate/",
        never_cache(passkeys.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/", never_cache(whole(passkeys.remove_webauthn)), name="mfa_remove_webauthn"
    ),
    path("2fa/webauthn/keys/<int:pk>/edit/", never_cache(whole(passkeys.edit_webauthn)), name="mfa_edit_webauthn"),
]
