"""Django's settings, made from the office's folder: there is no settings module to edit."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, OidcSettings

LANGUAGES: Final = (("en", "English"), ("de", "Deutsch"))
_YEAR_S: Final = 31_536_000


def set_up(home: OfficeHome) -> None:
    """Configure Django for an office. Call this once in a process.

    Raises:
        OfficeError: the address of the database can't be used, or a package that the settings need is missing.
    """
    if home.oidc is not None and find_spec("allauth") is None:
        hint = "pip install './edge_daemon_office[oidc]'"
        raise OfficeError("needs django-allauth, which is not installed", "office.toml, office.oidc", hint)
    settings.configure(**django_settings(home))
    django.setup()


def django_settings(home: OfficeHome) -> dict[str, Any]:
    """Return Django's settings for an office."""
    found = _settings(home)
    if home.oidc is not None:
        found["INSTALLED_APPS"] += [
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.openid_connect",
        ]
        found["MIDDLEWARE"].append("allauth.account.middleware.AccountMiddleware")
        found |= _oidc(home.oidc)
    return found


def _oidc(provider: OidcSettings) -> dict[str, Any]:
    app = {
        "provider_id": "school",
        "name": provider.name,
        "client_id": provider.client_id,
        "secret": provider.client_secret,
        "settings": {"server_url": provider.url, "oauth_pkce_enabled": True},
    }
    return {
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}},
        "SOCIALACCOUNT_ADAPTER": "edge_daemon_office.people.oidc.OfficeSocialAdapter",
        "ACCOUNT_ADAPTER": "edge_daemon_office.people.oidc.OfficeAccountAdapter",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "LOGIN_REDIRECT_URL": "/",
    }


def _settings(home: OfficeHome) -> dict[str, Any]:
    return {
        "OFFICE": home,
        "SECRET_KEY": home.secret(),
        "DEBUG": False,
        "ALLOWED_HOSTS": list(home.hosts),
        "DATABASES": {"default": _database(home)},
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "edge_daemon_office.registers",
            "edge_daemon_office.people",
            "edge_daemon_office.decisions",
            "edge_daemon_office.interfaces",
            "edge_daemon_office.pages",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "edge_daemon_office.pages.content_security.ContentSecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "edge_daemon_office.pages.language.LanguageMiddleware",
            "django.middleware.common.CommonMiddleware",
            "edge_daemon_office.pages.zero_signs.ZeroSignMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "edge_daemon_office.people.gate.AccountMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "edge_daemon_office.pages.context.office",
                    ],
                    "builtins": ["edge_daemon_office.pages.templatetags.office"],
                },
            }
        ],
        "ROOT_URLCONF": "edge_daemon_office.pages.urls",
        "AUTH_USER_MODEL": "people.Account",
        "AUTHENTICATION_BACKENDS": ["edge_daemon_office.people.sign_in.AccountBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}"}
            for name in ("MinimumLengthValidator", "CommonPasswordValidator", "UserAttributeSimilarityValidator")
        ],
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "LANGUAGE_CODE": home.language,
        "LANGUAGES": LANGUAGES,
        "FORMAT_MODULE_PATH": "edge_daemon_office.pages.formats",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LOGIN_URL": "/sign-in/",
        "SESSION_COOKIE_AGE": 12 * 3600,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": home.https,
        "CSRF_COOKIE_SECURE": home.https,
        "CSRF_COOKIE_HTTPONLY": True,
        "SECURE_SSL_REDIRECT": home.https,
        "SECURE_HSTS_SECONDS": _YEAR_S if home.https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": home.https,
        "SECURE_HSTS_PRELOAD": home.https,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 2 * 2**20,
        "LOGGING": _LOGGING,
    }


_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "edge_daemon_office.logs.DiscreetFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django": {"level": "ERROR"}, "django.security": {"level": "WARNING"}},
}


def _database(home: OfficeHome) -> dict[str, Any]:
    if not home.database:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(home.sqlite_path),
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
            },
        }
    parts = urlsplit(home.database)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        hint = "write postgresql://user:password@host/database"
        raise OfficeError("is not an address of a PostgreSQL database", "office.toml, office.database", hint)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
    }
