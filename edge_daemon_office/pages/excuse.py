"""Adds and withdraws excuses on the page *Student*."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from edge_daemon_office.decisions.excuses import excuse, publish_excuses, withdraw
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.pages.days import day_text, today_at
from edge_daemon_office.pages.student import check_own
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs


@needs(rights.EXCUSE)
@require_POST
def change_excuses(request: HttpRequest, school: str, student_id: str) -> HttpResponse:
    """Record or withdraw an excuse; then write the lists of the devices."""
    check_own(request.user, student_id)
    place = settings.OFFICE.schools[school]
    try:
        if "withdraw" in request.POST:
            if not withdraw(request.user, student_id, request.POST["withdraw"]):
                raise Http404
            message = t("The excuse was withdrawn.")
        else:
            first = day_text(request.POST.get("first_day", ""))
            last = day_text(request.POST.get("last_day", "")) if request.POST.get("last_day") else first
            excuse(request.user, place, student_id, first, last, request.POST.get("code", ""))
            message = t("The excuse is saved.")
        problems = publish_excuses(settings.OFFICE, place, today_at(place))
    except OfficeError as error:
        message, problems = error.line(), []
    request.session["said"] = " ".join([message, *problems])
    return HttpResponseRedirect(reverse("student", args=[school, student_id]))
