"""The page *Register*: each student's captures and flags, and how many captures the rule requires.

The page also has the corrections and the tick list.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from edge_daemon_office.decisions.decide import REASONS, USUAL_REASON, VERDICTS, WantedChange, decide, states
from edge_daemon_office.decisions.lists import publish
from edge_daemon_office.decisions.models import Decision
from edge_daemon_office.decisions.overlay import FLAG, apply_overlays, sign_overlays
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.pages.names import names_of
from edge_daemon_office.pages.register_document import (
    flags_in_words,
    needed_captures,
    read_register,
    student_lines,
)
from edge_daemon_office.pages.wording import t
from edge_daemon_office.people import rights
from edge_daemon_office.people.gate import needs
from edge_daemon_office.people.models import Account
from edge_daemon_office.registers.models import Lesson, Mark, SignedChange


def own_lesson(account: Account, lesson_id: str) -> Lesson:
    """Return a lesson that an account may see; otherwise raise Http404."""
    lesson = Lesson.objects.filter(**rights.own(account), lesson_id=lesson_id).first()
    if lesson is None:
        raise Http404
    return lesson


@needs(rights.SEE_REGISTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, school: str, lesson_id: str) -> HttpResponse:
    """Show the register of a lesson, and accept corrections of it."""
    lesson = own_lesson(request.user, lesson_id)
    error = ""
    if request.method == "POST":
        if not may_correct(request.user, lesson):
            raise Http404
        error = _take(request, lesson)
        if not error:
            return HttpResponseRedirect(request.path)
    document = read_register(settings.OFFICE.schools[school], lesson)
    marks = list(Mark.objects.filter(school=school, month=lesson.month, lesson_id=lesson_id))
    changes = list(SignedChange.objects.filter(school=school, lesson_id=lesson_id).order_by("at", "number"))
    names = names_of(school, [*(mark.student_id for mark in marks), *(one.student_id for one in changes)])
    changed = {mark.student_id: mark for mark in marks if FLAG in mark.flags.split()}
    values: dict[str, Any] = {
        "lesson": lesson,
        "lines": student_lines(document, names, changed) if document else [],
        "is_gone": lesson.device in settings.OFFICE.schools[school].gone_devices,
        "marks": [] if document else [{"mark": mark, "name": names[mark.student_id]} for mark in marks],
        "needed": needed_captures(document) if document else None,
        "document": document,
        "flags": flags_in_words(lesson.register_flags.split()),
        "changes": [{"change": one, "name": names.get(one.student_id, "")} for one in changes],
        "guests": len(document.guests) if document else 0,
        "decisions": [
            {"one": one.decision, "state": one.state, "name": names.get(one.decision.student_id, "")}
            for one in states(school, Decision.objects.filter(school=school, lesson_id=lesson_id).order_by("number"))
        ],
        "may_correct": may_correct(request.user, lesson),
        "verdicts": [one for one in VERDICTS if one != "inconclusive"],
        "reasons": REASONS,
        "error": error,
    }
    return render(request, "office/lesson.html", values, status=409 if error else 200)


def may_correct(account: Account, lesson: Lesson) -> bool:
    """Return whether an account may correct a lesson; a rehearsal has no corrections."""
    return rights.may(account, rights.CORRECT) and lesson.origin == "timetable"


def _take(request: HttpRequest, lesson: Lesson) -> str:
    """Record the form's decisions and write the device's list of corrections.

    Return an error message for the page; empty on success. If the list can't be written, the decisions stay recorded.
    """
    if request.POST.get("revision") != str(lesson.revision):
        return t("The register has changed meanwhile. Look at it again; nothing was saved.")
    on_register = set(
        Mark.objects.filter(school=lesson.school, month=lesson.month, lesson_id=lesson.lesson_id).values_list(
            "student_id", flat=True
        )
    )
    if request.POST.get("confirm"):
        wanted = [WantedChange("", request.POST["confirm"])]
    else:
        chosen = {key.partition(":")[2]: value for key, value in request.POST.items() if key.startswith("verdict:")}
        wanted = [
            WantedChange(
                student_id, value, request.POST.get(f"reason:{student_id}") or USUAL_REASON.get(value, "other")
            )
            for student_id, value in chosen.items()
            if value
        ]
    if any(one.student_id and one.student_id not in on_register for one in wanted):
        raise Http404
    if lesson.held is False and any(one.verdict == "absent" for one in wanted):
        return t("The lesson was not held: nobody is absent. Say first that it was held.")
    if not wanted:
        return t("Nothing was chosen.")
    try:
        decide(request.user, lesson, wanted)
        school = settings.OFFICE.schools[lesson.school]
        problems = publish(settings.OFFICE, school)
        if lesson.device in school.gone_devices:
            problems += sign_overlays(settings.OFFICE, school)
            apply_overlays(settings.OFFICE, school)
    except OfficeError as error:
        return error.line()
    message = t("Decisions saved: %(count)s.", count=len(wanted))
    request.session["said"] = " ".join([message, *problems])
    return ""


@needs(rights.SEE_REGISTERS)
def tick_list(request: HttpRequest, school: str, lesson_id: str) -> HttpResponse:
    """Show the students of a lesson as a list to print and tick."""
    lesson = own_lesson(request.user, lesson_id)
    ids = Mark.objects.filter(school=school, month=lesson.month, lesson_id=lesson_id).values_list(
        "student_id", "standing"
    )
    names = names_of(school, [student_id for student_id, _ in ids])
    rows = sorted(
        ((names[student_id], student_id, standing) for student_id, standing in ids), key=lambda r: r[0].casefold()
    )
    return render(request, "office/tick_list.html", {"lesson": lesson, "rows": rows})
