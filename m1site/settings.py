"""Settings of M1, top to bottom: environment > dotenv file named by M1_CONFIG > the defaults here.

Every name is documented in docs/settings.md. A bad value stops the start with one line that names it.
"""

import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from m1site import broker_setting, notify_setting, postgres_setting, weak
from m1site.accounts.settings import *  # noqa: F403 - constants: nobody sets them
from m1site.env import HOLDERS, OIDC_NAMES, Settings, refuse, refuse_foreign_secrets
from policy import key_list

BASE_DIR = Path(__file__).resolve().parent.parent
env = Settings()

# Who is starting, and where.
M1_MODE = env.choice("M1_MODE", {"demo", "development", "production"}, default="production")
M1_ROLE = env.choice("M1_ROLE", {"", "web", "planner", "executor", "housekeeping"}, default="")  # "": an operator
IS_PRODUCTION = M1_MODE == "production"
env.takes_weak = M1_MODE == "demo"
DEBUG = False
refuse_foreign_secrets(M1_ROLE, HOLDERS, os.environ)

# The door. Only the web process has sessions to sign; any other gets a key that dies with it.
SECRET_KEY = env.secret("SECRET_KEY", required=M1_ROLE == "web").decode() or secrets.token_urlsafe(48)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if IS_PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
ALLOWED_HOSTS = [host.strip() for host in ALLOWED_HOSTS]
M1_URL = env.str("M1_URL", default="http://localhost:8000").rstrip("/")
M1_TRUSTED_PROXIES = env.parsed(
    "M1_TRUSTED_PROXIES", lambda text: [ip_network(n) for n in text.replace(",", " ").split()]
)
if M1_ROLE == "web" and IS_PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    refuse("ALLOWED_HOSTS", "must name the hosts that serve M1, separated by commas")
if not M1_URL.startswith("https://" if M1_ROLE == "web" and IS_PRODUCTION else ("http://", "https://")):
    refuse("M1_URL", f"is {M1_URL!r}; in production it must start with https://")
CSRF_TRUSTED_ORIGINS = [M1_URL]
CSRF_FAILURE_VIEW = "m1site.problems.csrf_failed"
ROOT_URLCONF = "m1site.urls"
WSGI_APPLICATION = "m1site.wsgi.application"
APPEND_SLASH = True

# Data.
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'm1.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    synchronous = "NORMAL" if M1_MODE == "demo" else "FULL"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON; "
        "PRAGMA recursive_triggers=ON;",  # without it INSERT OR REPLACE slips past the triggers
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    prepare = env.bool("M1_DATABASE_PREPARE", default=True)
    options = postgres_setting.options(DATABASES["default"].get("OPTIONS", {}), prepare=prepare)
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
else:
    refuse("DATABASE_URL", "must be a sqlite:// or postgres:// address")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "m1site.formats"

# Redis is a cache only and may be away; the broker is named apart, since a cache's eviction would lose messages.
REDIS_URL = env.str("REDIS_URL", default="")
ENABLE_REDIS_CACHING = env.bool("ENABLE_REDIS_CACHING", default=bool(REDIS_URL))
REDIS_POOL = {
    "db": env.number("REDIS_DB", default=0, at_most=15) or None,
    "password": env.str("REDIS_PASSWORD", default="") or None,
    "socket_connect_timeout": env.number("REDIS_CONNECT_TIMEOUT_MS", default=5000, at_least=1, at_most=60_000) / 1000,
    "socket_timeout": env.number("REDIS_COMMAND_TIMEOUT_MS", default=3000, at_least=1, at_most=60_000) / 1000,
    "retry": Retry(
        ExponentialBackoff(
            base=env.number("REDIS_RETRY_DELAY_MS", default=100, at_most=10_000) / 1000,
            cap=env.number("REDIS_RETRY_DELAY_MAX_MS", default=1000, at_most=60_000) / 1000,
        ),
        retries=env.number("REDIS_MAX_RETRIES", default=3, at_most=10),
    ),
}
REDIS_POOL = {name: value for name, value in REDIS_POOL.items() if value is not None}  # else the address decides
if env.bool("REDIS_TLS", default=False):
    REDIS_URL = REDIS_URL.replace("redis://", "rediss://", 1)
if not env.bool("REDIS_TLS_REJECT_UNAUTHORIZED", default=True) and REDIS_URL.startswith("rediss://"):
    REDIS_POOL["ssl_cert_reqs"] = None
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if ENABLE_REDIS_CACHING and REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": REDIS_POOL,
            "IGNORE_EXCEPTIONS": True,  # the cache may be away; nothing that must not be lost is in it
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",  # no pickle: a poisoned cache runs nothing
        },
    }
M1_BROKER_URL = env.parsed("M1_BROKER_URL", broker_setting.parse)
if M1_ROLE and not M1_BROKER_URL:
    refuse("M1_BROKER_URL", "is not set; it names the message broker, for example redis://host:6379/0")

# Tokens and the trail.
M1_JWT_ALGORITHM = env.choice("M1_JWT_ALGORITHM", {"HS256", "EdDSA"}, default="HS256")
M1_KEYS = env.parsed("M1_JWT_KEYS", key_list.parse)
if M1_JWT_ALGORITHM == "HS256":
    is_needed = M1_ROLE == "web" or (M1_ROLE in {"planner", "executor"} and not M1_KEYS.verifying)
    M1_KEYS = env.made("M1_JWT_SECRET", M1_KEYS.with_secret, env.secret("M1_JWT_SECRET", required=is_needed))
else:
    M1_KEYS = env.parsed("M1_JWT_PRIVATE_KEY", M1_KEYS.with_private_key)
for key in M1_KEYS.verifying.values():
    if isinstance(key.material, bytes):
        env.refuse_weak("M1_JWT_KEYS", key.material, may_equal="M1_JWT_SECRET")
if M1_KEYS.signing and M1_KEYS.signing.kid in weak.PUBLISHED_KIDS:
    refuse("M1_JWT_PRIVATE_KEY", "stands in a public document; make one with: m1 token rotate begin --first")
if M1_ROLE == "web" and M1_KEYS.signing is None:
    refuse("M1_JWT_PRIVATE_KEY", "is not set; the web process signs approvals with it")
if M1_ROLE in {"planner", "executor"} and not M1_KEYS.verifying:
    refuse("M1_JWT_KEYS", "is not set; this process verifies approvals with it")
M1_JWT_LEEWAY_SECONDS = env.number("M1_JWT_LEEWAY_SECONDS", default=0, at_most=60)
M1_APPROVAL_TOKEN_TTL_MINUTES = env.number("M1_APPROVAL_TOKEN_TTL_MINUTES", default=5, at_least=1, at_most=60)
M1_AUDIT_MAC_KEY = env.secret("M1_AUDIT_MAC_KEY", required=bool(M1_ROLE))
M1_POLICY_FOUR_EYES = env.bool("M1_POLICY_FOUR_EYES", default=M1_MODE != "demo")

# Telling people: the addresses are for the one worker that sends, and for the operator who tries them.
M1_NOTIFY_ADDRESSES = env.parsed("M1_NOTIFY_URLS", notify_setting.parse)
if M1_NOTIFY_ADDRESSES and IS_PRODUCTION and not M1_URL.startswith("https://"):
    refuse("M1_URL", f"is {M1_URL!r}; messages lead people there, so in production it must start with https://")

# Acting: the planner's model, the executor's tools.
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default="https://api.anthropic.com")
COST_TRACKING_ENABLED = env.bool("COST_TRACKING_ENABLED", default=True)
M1_TOOLS = env.list("M1_TOOLS", default=["policy.tools.files", "policy.tools.email", "policy.tools.http"])

INSTALLED_APPS = [
    "m1site.accounts",
    "audit",
    "policy",
    "agents",
    "m1site.apps.M1AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "m1site.apps.SiteConfig",
]
MIDDLEWARE = [
    "m1site.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "m1site.accounts.middleware.ApiKeyMiddleware",
    "m1site.accounts.middleware.SignInMiddleware",
    "m1site.problems.ProblemMiddleware",
    "m1site.idempotency.IdempotencyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "m1site.context.site",
            ]
        },
    }
]

# People's sessions; what is always so stands in m1site/accounts/settings.py.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PRODUCTION
if IS_PRODUCTION:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-m1-session", "__Host-m1-csrf"
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health"]  # probes speak plain HTTP
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
M1_KNOWN_BROWSER_COOKIE = "__Host-m1-known" if IS_PRODUCTION else "m1-known"

# Single sign-on: one OpenID provider, or none.
M1_OIDC_URL, M1_OIDC_CLIENT_ID, M1_OIDC_CLIENT_SECRET = env.all_or_none(*OIDC_NAMES)
M1_OIDC_NAME = env.str("M1_OIDC_NAME", default="Single sign-on")
M1_OIDC_LINK_BY = env.choice("M1_OIDC_LINK_BY", {"email", "preferred_username"}, default="email")
M1_OIDC_URL = M1_OIDC_URL.rstrip("/")
if M1_OIDC_URL and not M1_OIDC_URL.startswith("https://" if IS_PRODUCTION else ("http://", "https://")):
    refuse("M1_OIDC_URL", "must be the provider's https:// address, its issuer")

# What a page may load: only what M1 itself serves; nothing inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static" if IS_PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "m1site" / "static"]
WHITENOISE_USE_FINDERS = not IS_PRODUCTION  # production collects them once
if IS_PRODUCTION:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# REST. Bodies are parsed once, strictly, by audit.canonical.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["m1site.accounts.authentication.ApiKeyOrSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["m1site.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "m1site.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "m1site.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "M1",
    "DESCRIPTION": "The control plane between AI agents and what they can change.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Work. The broker is never the truth: rows are, and sweeps make a lost message a delay.
LEASE_SECONDS = 15  # renewed every second by a worker that lives
CELERY_BROKER_URL = M1_BROKER_URL or "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for ever
CELERY_BROKER_TRANSPORT_OPTIONS = broker_setting.options(M1_BROKER_URL)
CELERY_BROKER_HEARTBEAT = 30  # seconds, RabbitMQ only: twice that, and a worker connects anew
CELERY_TASK_PUBLISH_RETRY = False  # a publisher that waits would hold the person's click; the sweep sends again
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = broker_setting.queue_type(M1_BROKER_URL)
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # else who reaches the broker stops workers, or has one serve two queues

LOG_LEVEL = env.choice("LOG_LEVEL", {"DEBUG", "INFO", "WARNING", "ERROR"}, default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "m1site.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"handlers": ["stderr"], "propagate": False}},
}

env.refuse_unknown(os.environ)
