"""The one settings module. What differs between machines comes from the environment.

docs/operations.md has the table of variables. Without ENVIRONMENT=local this is a
production, which refuses to start without its secrets.
"""

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from accounts import languages
from config import addresses, launch_keys

BASE_DIR = Path(__file__).resolve().parent.parent


def _read_env_file(path: Path) -> None:
    """Take the variables that the environment does not have from lines NAME=value."""
    if path.is_file():
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and not name.startswith("#"):
                os.environ.setdefault(name.strip(), value.strip())


_read_env_file(Path(os.environ.get("ENV_FILE", BASE_DIR / "var/local.env")))


def env(name: str, default: str | None = None) -> str:
    """Read a setting from the environment; without a default it must be there."""
    value = os.environ.get(name) or default
    if value is None:
        raise ImproperlyConfigured(
            f"Set {name} in the environment (docs/operations.md says to what)."
        )
    return value


def flag(name: str, default: str = "0") -> bool:
    """Read a yes or no, written 1 or 0."""
    return env(name, default) == "1"


ENVIRONMENT = env("ENVIRONMENT", "production")
if ENVIRONMENT not in {"production", "local"}:
    raise ImproperlyConfigured("ENVIRONMENT is either production or local.")
PRODUCTION = ENVIRONMENT == "production"

SECRET_KEY = env("SECRET_KEY", None if PRODUCTION else "only-for-this-machine")
SECRET_KEY_FALLBACKS = env("SECRET_KEY_FALLBACKS", " ").split()
ALLOWED_HOSTS = env(
    "ALLOWED_HOSTS", None if PRODUCTION else "localhost 127.0.0.1 [::1]"
).split()
DEBUG = flag("DEBUG")
CLOCK_SETTABLE = flag("CLOCK_SETTABLE", "0" if PRODUCTION else "1")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG shows secrets: it is refused in production.")
if PRODUCTION and CLOCK_SETTABLE:
    raise ImproperlyConfigured(
        "CLOCK_SETTABLE lets a page move the day: it is refused in production."
    )

# A demo shows its sign-ins beside the form: load_demo writes them down.
DEMO = not PRODUCTION and flag("DEMO", "1")
DEMO_SIGN_INS = BASE_DIR / "var/demo_sign_ins.json"

# The vendor: these names and addresses are all that a page says of it.
VENDOR_NAME = env("VENDOR_NAME", "AppConnect")
TERMS_ADDRESS = env("TERMS_ADDRESS", "https://vendor.example/terms-of-service")
SUPPORT_ADDRESS = env("SUPPORT_ADDRESS", "support@vendor.example")
PUBLIC_ADDRESS = env("PUBLIC_ADDRESS", "http://127.0.0.1:8000").rstrip("/")

# The rules' own settings: the outside reads them and passes them in.
TERM_END_LEAD_DAYS = int(env("TERM_END_LEAD_DAYS", "0"))
TERM_END_BATCH = int(env("TERM_END_BATCH", "5000"))
NOTICE_DAYS = [30, 7, 1]
NOTICE_DAYS_KEPT = int(env("NOTICE_DAYS_KEPT", "180"))

# Where answers to the desk's emails arrive: maildir:///folder or imaps://… Nowhere, if
# empty: then people answer on the page alone.
MAILBOX_URL = env("MAILBOX_URL", " ").strip()
HELD_ALERT_DAYS = [int(days) for days in env("HELD_ALERT_DAYS", "7 30").split()]
SOLVED_CLOSES_DAYS = int(env("SOLVED_CLOSES_DAYS", "7"))

# Webhooks go out into the world; what they may reach on this machine besides is for
# the partners of a demonstration (manage.py partner_sandbox).
WEBHOOK_LOOPBACK_ALLOWED = addresses.loopback(
    env("WEBHOOK_LOOPBACK_ALLOWED", " " if PRODUCTION else "127.0.0.1:8790")
)
if PRODUCTION and WEBHOOK_LOOPBACK_ALLOWED:
    raise ImproperlyConfigured(
        "WEBHOOK_LOOPBACK_ALLOWED lets partners reach this machine: it is refused in"
        " production."
    )
# What signs the tokens that apps are opened with: files of P-256 keys. The first signs,
# all are published, so that a new one takes over without a pause.
LAUNCH_KEYS = launch_keys.read(
    env(
        "LAUNCH_KEY_FILES",
        None if PRODUCTION else launch_keys.kept(BASE_DIR / "var/launch-key.pem"),
    )
)
# How long what names people is kept. 0: nobody is erased by itself.
ERASE_DEACTIVATED_DAYS = int(env("ERASE_DEACTIVATED_DAYS", "0"))
MAIL_DAYS_KEPT = int(env("MAIL_DAYS_KEPT", "90"))
WEBHOOK_DAYS_KEPT = int(env("WEBHOOK_DAYS_KEPT", "30"))

INSTALLED_APPS = [
    # Our own, lowest layer first: each may import only those above it in this list.
    "journal",
    "accounts",
    "marketplace",
    "billing",
    "myapps",
    "support",
    "demo",
    # Libraries.
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_cotton",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    # Django.
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
]

MIDDLEWARE = [
    "config.health.HealthMiddleware",
    "config.logs.RequestIdMiddleware",
    "config.api_rates.RateMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.second_factor.SecondFactorMiddleware",
    "config.viewing.ViewingMiddleware",
    "config.reader.ReaderMiddleware",
    "config.busy.BusyMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "config.context.vendor",
                "config.context.demo",
                "config.context.desk",
                "config.context.notices",
                "config.navigation.places",
            ],
            "builtins": ["config.templatetags.formats"],
        },
    },
]
COTTON_ISOLATE_BY_DEFAULT = True
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# PostgreSQL is the truth. The web and the workers connect as the application's role,
# which does not own the tables; migrations run as their owner (ops/database.py).
DATABASES = {
    "default": addresses.database(env("DATABASE_URL"))
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
APPEND_ONLY_TABLES = [
    "journal_activity",
    "billing_order",
    "billing_increase",
    "billing_charge",
    "billing_batch",
    "billing_batchedcharge",
    "billing_acknowledgement",
    "billing_creditgrant",
    "myapps_seatevent",
    "support_evidence",
    "support_viewedpage",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Who signs in.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.adapters.SignInBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# django-allauth signs in: by email and password, by passkey, or at the company's own
# provider. Nobody signs up, and no address is confirmed: people are invited (ADR 28).
ACCOUNT_ADAPTER = "accounts.adapters.SignInAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.mails.LinkTokens"  # noqa: S105
ACCOUNT_FORMS = {
    "login": "accounts.sign_in_forms.SignInForm",
    "reset_password": "accounts.sign_in_forms.ResetForm",
    "reset_password_from_key": "accounts.sign_in_forms.SetPasswordForm",
    "change_password": "accounts.sign_in_forms.OwnPasswordForm",
    "set_password": "accounts.sign_in_forms.OwnFirstPasswordForm",
}
# Failures count by address of the caller and address of the person together, so that
# a stranger who fails keeps nobody out who comes from elsewhere (ADR 28).
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/m/ip,5/5m/key",
    "reset_password": "20/m/ip",
    "reset_password_from_key": "30/m/ip",
}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if flag("BEHIND_PROXY") else 0
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "accounts.sign_in_forms.CodeForm",
    "reauthenticate": "accounts.sign_in_forms.ConfirmByCodeForm",
    "add_webauthn": "accounts.sign_in_forms.AddPasskeyForm",
    "login_webauthn": "accounts.sign_in_forms.PasskeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = VENDOR_NAME
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
SOCIALACCOUNT_ADAPTER = "accounts.adapters.CompanySignInAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True}}
# Where a provider may be besides out in the world: on a developer's machine.
SIGN_IN_LOOPBACK_ALLOWED = addresses.loopback(env("SIGN_IN_LOOPBACK_ALLOWED", " "))
if PRODUCTION and SIGN_IN_LOOPBACK_ALLOWED:
    raise ImproperlyConfigured(
        "SIGN_IN_LOOPBACK_ALLOWED lets sign-ins reach this machine: it is refused in"
        " production."
    )

# The API. Throttles count in the cache: one that all web processes share.
CACHES = {"default": addresses.cache(env("CACHE_URL", f"file://{BASE_DIR}/var/cache"))}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api_doors.ByKey"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "config.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["config.api_rates.KeyThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "key": env("API_RATE", "600/min"),
        "anonymous": env("API_RATE_WITHOUT_KEY", "60/min"),
        "launch": env("LAUNCH_RATE", "30/min"),
    },
    # Whose calls without a key are counted: an address that callers cannot write.
    "NUM_PROXIES": 1 if flag("BEHIND_PROXY") else 0,
    "EXCEPTION_HANDLER": "config.api.refusal_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{VENDOR_NAME} API",
    "DESCRIPTION": "What the console does, for everybody's own software. An increase is "
    "billed at once, under the contract; a decrease waits for the end of the term.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
    "ENUM_NAME_OVERRIDES": {
        "SkipOrRefuseEnum": "myapps.seat_api.POLICIES",
        "PlanKindEnum": "marketplace.models.Plan.Kind",
        "AppStateEnum": "marketplace.models.App.State",
        "ChargeOriginEnum": "billing.models.Charge.Origin",
        "TicketOriginEnum": "support.models.Ticket.Origin",
        "TicketCategoryEnum": "support.models.Ticket.Category",
        "TicketStateEnum": "support.models.Ticket.State",
        "EndpointStateEnum": "myapps.partner_webhook_api.ENDPOINT_STATES",
        "DeliveryStateEnum": "myapps.partner_webhook_api.DELIVERY_STATES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api_schema.complete",
    ],
}

LANGUAGE_CODE = "en"
LANGUAGES = list(languages.OFFERED.items())
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = PRODUCTION
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var/static"
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# What papers are set in: made by `make assets`, loaded by no browser.
FONTS = BASE_DIR / "fonts"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# Mail goes to files until somebody names a server.
DEFAULT_FROM_EMAIL = env("FROM_ADDRESS", f"{VENDOR_NAME} <no-reply@vendor.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = BASE_DIR / "var/mail"
if os.environ.get("EMAIL_URL"):
    globals().update(addresses.mail(env("EMAIL_URL")))

# The broker is never the truth: whatever it loses, the next tick finds in the tables.
CELERY_BROKER_URL = env("CELERY_BROKER_URL", "filesystem://localhost")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = addresses.broker_options(
    CELERY_BROKER_URL, folder=Path(env("BROKER_FOLDER", str(BASE_DIR / "var/broker")))
)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(BASE_DIR / "var/beat/schedule")
HOUR, MINUTE = 3600, 60


def tick(task: str, *, every: int) -> dict:
    """A task that is due again and again. A tick nobody took before the next one comes
    is dropped: the next does its work too.
    """
    return {"task": task, "schedule": every, "options": {"expires": every * 0.9}}


# So many days a second person has to approve a purchase (ADR 34).
APPROVAL_DAYS = int(env("APPROVAL_DAYS", "14"))

CELERY_BEAT_SCHEDULE = {
    "outbox": tick("journal.tasks.deliver_outbox", every=10),
    "webhooks": tick("journal.tasks.deliver_webhooks", every=10),
    "old attempts": tick("journal.tasks.forget_attempts", every=HOUR),
    "auto-install": tick("myapps.tasks.seat_joiners", every=MINUTE),
    "provisioning": tick("myapps.tasks.fail_unconfirmed", every=HOUR),
    "approvals": tick("myapps.tasks.lapse_purchases", every=HOUR),
    "terms and periods": tick("support.tasks.end_terms", every=HOUR),
    "batches": tick("billing.tasks.close_batches", every=HOUR),
    "notices": tick("support.tasks.send_notices", every=HOUR),
    "digests": tick("accounts.tasks.send_digests", every=HOUR),
    "list prices": tick("billing.tasks.tell_of_list_prices", every=24 * HOUR),
    "old notices": tick("accounts.tasks.forget_notices", every=24 * HOUR),
    "mail": tick("support.tasks.read_mail", every=MINUTE),
    "held money": tick("support.tasks.tell_of_holds", every=HOUR),
    "files of people": tick("accounts.tasks.work_jobs", every=MINUTE),
    "bulk jobs": tick("support.tasks.work_bulk_jobs", every=MINUTE),
    "tickets that wait": tick("support.tasks.wake_tickets", every=HOUR),
    "reconcile": tick("support.tasks.tell_differences", every=24 * HOUR),
    "people to erase": tick("accounts.tasks.erase_people", every=24 * HOUR),
    "old mails": tick("accounts.tasks.forget_mails", every=24 * HOUR),
    "remembered answers": tick("accounts.tasks.forget_answers", every=24 * HOUR),
}

# What a form may carry: the files of one message (support.attachments), and text.
FILE_UPLOAD_HANDLERS = [
    "config.uploads.LimitUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 30

# What a browser may do.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION and flag("SSL_REDIRECT", "1")
SECURE_HSTS_SECONDS = 365 * 24 * HOUR if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
CSRF_TRUSTED_ORIGINS = env("CSRF_TRUSTED_ORIGINS", " ").split()
if flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOG_LEVEL = env("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.logs.RequestIdFilter"}},
    "formatters": {"json": {"()": "config.logs.JsonLines"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL},
        # One line a task is enough: the one that says how it ended.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # Each paper takes the letters it needs from its fonts, step by step.
        "fontTools": {"level": "WARNING"},
        "fpdf": {"level": "WARNING"},
    },
}
LOGGING_CONFIG = "config.logs.configure"
