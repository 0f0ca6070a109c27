"""The gate before every page checks the session, the school, and the second factor. A refused request gets a 404."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from edge_daemon_office.people.rights import may
from edge_daemon_office.scope import use_school

PASSED_TOTP: Final = "passed_totp"
"""Session key; it is set after the code of the second factor, entered here or at the school's own sign-in."""
_OPEN: Final = frozenset(("sign-in", "code", "sign-out", "style", "language"))
_OPENID: Final = "openid_connect_"
"""Prefix of the names of addresses to which the school's own sign-in returns (people/oidc.py)."""
_API: Final = "api-"
"""Prefix of the names of addresses that check a token themselves (interfaces/read_api.py)."""
_SETTING_UP: Final = frozenset(("second-factor",))


class AccountMiddleware:
    """Shows pages of a school only to people who are signed in to it.

    Args:
        get_response: the next handler.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Return the answer instead of a page, None to show the page."""
        name = request.resolver_match.url_name if request.resolver_match else ""
        account = request.user
        use_school(account.school if account.is_authenticated else "")
        if name in _OPEN or (name or "").startswith((_API, _OPENID)):
            return None
        if not account.is_authenticated or account.school not in settings.OFFICE.schools:
            return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
        if account.has_totp and not request.session.get(PASSED_TOTP):
            return HttpResponseRedirect(reverse("code"))
        needs_totp = settings.OFFICE.totp == "required" and not request.session.get(PASSED_TOTP)
        if not account.has_totp and needs_totp and name not in _SETTING_UP:
            return HttpResponseRedirect(reverse("second-factor"))
        if "school" in kwargs and kwargs["school"] != account.school:
            raise Http404
        return None


def needs(right: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Return a decorator that makes a page visible only to accounts with a right."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, right):
                raise Http404
            return view(request, *args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return decorate
