"""M1's settings for tests: nothing from the environment of the person who runs them, secrets made for this run."""

import os
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FOREIGN = ("M1_", "REDIS_", "ANTHROPIC_", "RATE_LIMIT_", "COST_", "ENABLE_", "METRICS_", "DATABASE_URL", "SECRET_KEY")
FOREIGN += ("ALLOWED_", "LOG_LEVEL", "PROMETHEUS_")
OURS = ("M1_TEST_", "M1_RACE_ROUNDS")
for name in [name for name in os.environ if name.startswith(FOREIGN) and not name.startswith(OURS)]:
    del os.environ[name]

private_key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
os.environ.update(
    M1_MODE="development",
    SECRET_KEY=secrets.token_urlsafe(48),
    DATABASE_URL=os.environ.get("M1_TEST_DATABASE_URL", "sqlite://:memory:"),
    M1_JWT_ALGORITHM="EdDSA",
    M1_JWT_PRIVATE_KEY=private_key,
    M1_AUDIT_MAC_KEY=secrets.token_urlsafe(48),
    LOG_LEVEL="WARNING",
)

from m1site.settings import *  # noqa: E402, F403 - they read the environment made above
from m1site.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # a file: threads each need a connection
else:
    del DATABASES["default"]["OPTIONS"]["options"]  # a test is one long transaction, and may wait in it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes a fifth of a second a sign-in
WHITENOISE_USE_FINDERS = False  # each client would look at every static file; the live server has its own way
