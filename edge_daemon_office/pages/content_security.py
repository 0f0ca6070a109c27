"""Headers that allow a browser only the contents of these pages: text and one style sheet, but no script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{provider}; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The policy. `provider` is the origin of the school's own sign-in: browsers also check the redirect after a form."""


class ContentSecurityMiddleware:
    """Adds the policy to every answer, and prevents caching of pages with names.

    Args:
        get_response: the next handler.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        oidc = settings.OFFICE.oidc
        parts = urlsplit(oidc.url) if oidc else None
        self._policy = POLICY.format(provider=f" {parts.scheme}://{parts.netloc}" if parts else "")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        response = self._get_response(request)
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        response.headers.setdefault("Cache-Control", "no-store")
        return response
