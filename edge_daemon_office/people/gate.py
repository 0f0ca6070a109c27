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
"""Session key; it is set after the person has entered the code of the second factor."""
_OPEN: Final = frozenset(("sign-in", "code", "sign-out", "style", "language"))
_API: Final = "api-"
"""Names of addresses that check a token themselves (interfaces/read_api.py)."""
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
        if name in _OPEN or (name or "").startswith(_API):
            return None
        if not account.is_authenticated or account.school not in settings.OFFICE.schools:
            return HttpResponseRedirect(f"{reverse('sign-in')}?next={request.path}")
        if account.has_totp and not request.session.get(PASSED_TOTP):
            return HttpResponseRedirect(reverse("code"))
        if not account.has_totp and settings.OFFICE.totp == "required" and name not in _SETTING_UP:
            return HttpResponseRedirect(reverse("second-factor"))
        if "school" in kwargs and kwargs["school"] != account.school:
            raise Http404
        return None


def needs(right: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Make a page visible only to accounts with a right."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, right):
                raise Http404
            return view(request, *args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return decorate
