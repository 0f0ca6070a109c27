"""Values for every template: the school, the menu, the language."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from edge_daemon_office.pages.wording import is_right_to_left, languages
from edge_daemon_office.people import rights

_MENU: Final = (
    ("today", "Today", rights.SEE_REGISTERS),
    ("students", "Students", rights.SEE_REGISTERS),
    ("below", "Low attendance", rights.SEE_REGISTERS),
    ("rooms", "Rooms", rights.SEE_ROOMS),
    ("audit", "Audit", rights.SEE_AUDIT),
    ("sections", "Ed-Fi", rights.MAP_COURSES),
)


def office(request: HttpRequest) -> dict[str, Any]:
    """Return the values that every page needs."""
    language = (get_language() or "en").partition("-")[0]
    account = getattr(request, "user", None)
    school = settings.OFFICE.schools.get(getattr(account, "school", ""))
    name = request.resolver_match.url_name if request.resolver_match else ""
    menu = [
        {"address": reverse(page, args=[school.school]), "words": words, "is_here": page == name}
        for page, words, right in _MENU
        if school is not None
        and account is not None
        and rights.may(account, right)
        and (page != "sections" or school.edfi is not None)
    ]
    return {
        "language": language,
        "direction": "rtl" if is_right_to_left() else "ltr",
        "languages": languages(),
        "office_school": school,
        "oidc": settings.OFFICE.oidc,
        "account": account,
        "menu": menu,
        "said": request.session.pop("said", "") if hasattr(request, "session") else "",
    }
