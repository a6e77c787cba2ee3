"""Who people are and how they sign in, as Django and allauth are told. Constants all; what can be set is elsewhere."""

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = LOGOUT_REDIRECT_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_ENGINE = "django.contrib.sessions.backends.db"  # the truth: a cache that was away would keep ended sessions
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# allauth: its flows, M1's own pages and limits.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "m1site.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False  # who may not see a page is told so, not sent round in a circle
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False  # they count in a cache that each process has alone
ACCOUNT_FORMS = {"change_password": "m1site.accounts.sign_in_forms.NewPasswordForm"}
MFA_ADAPTER = "m1site.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # so that every passkey is two factors: the key, and its person
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody can sign up with somebody else's
MFA_FORMS = {
    "authenticate": "m1site.accounts.sign_in_forms.CodeForm",
    "reauthenticate": "m1site.accounts.sign_in_forms.ConfirmCodeForm",
    "activate_totp": "m1site.accounts.sign_in_forms.FirstCodeForm",
}
USERSESSIONS_ADAPTER = "m1site.accounts.adapters.SessionsAdapter"
SOCIALACCOUNT_ADAPTER = "m1site.accounts.identities.IdentityAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
