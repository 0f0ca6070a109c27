"""The language and the time zone of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_POST

from edge_daemon_office.pages.wording import languages

COOKIE: Final = "language"
_YEAR_S: Final = 31_536_000


class LanguageMiddleware:
    """Chooses the language: the person's choice, or else the browser's, or else the office's.

    Args:
        get_response: the next handler.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        with translation.override(_language(request)):
            return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Show times in the school's time zone."""
        school = settings.OFFICE.schools.get(getattr(request.user, "school", ""))
        timezone.activate(school.zone if school else timezone.get_default_timezone())


def _language(request: HttpRequest) -> str:
    known = [code for code, _ in languages()]
    wanted = [request.COOKIES.get(COOKIE, "")]
    header = request.headers.get("Accept-Language", "")
    wanted += [code.partition("-")[0] for code, _ in parse_accept_lang_header(header[:500])]
    return next((code for code in wanted if code in known), settings.OFFICE.language)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store a person's choice of language, and return to the page."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    chosen = request.POST.get("language", "")
    if chosen in [code for code, _ in languages()]:
        response.set_cookie(COOKIE, chosen, _YEAR_S, httponly=True, secure=settings.OFFICE.https, samesite="Lax")
    return response
