"""The pages *Students* and *Student*: rates by course, a calendar, absences; and the file of all stored data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from edge_daemon_office.decisions.models import Decision, Excuse
from edge_daemon_office.pages.charts import day_and_month, rate_line
from edge_daemon_office.pages.days import period_of
from edge_daemon_office.pages.excused import excused_days, is_excused
from edge_daemon_office.pages.names import names_of
from edge_daemon_office.pages.register_document import FLAGS, flags_in_words
from edge_daemon_office.pages.wording import is_right_to_left, t
from edge_daemon_office.people import rights
from edge_daemon_office.people.activity import note
from edge_daemon_office.people.gate import needs
from edge_daemon_office.people.models import Account, Activity
from edge_daemon_office.registers.models import DayTally, Lesson, Mark, SignedChange, Student
from edge_daemon_office.registers.months import between

_A_PAGE: Final = 100
_LETTERS: Final = {"present": "P", "absent": "A", "to_confirm": "?", "not_assessed": "–"}


@needs(rights.SEE_REGISTERS)
def students(request: HttpRequest, school: str) -> HttpResponse:  # noqa: ARG001 - the gate checks it
    """Show the students, or those whose name or id contains the searched words."""
    words = request.GET.get("q", "").strip()[:100]
    found = own_students(request.user)
    if words:
        found = [one for one in found if words.casefold() in one[1].casefold() or words == one[0]]
    page = Paginator(found, _A_PAGE).get_page(request.GET.get("page"))
    return render(request, "office/students.html", {"page": page, "words": words, "count": len(found)})


def own_students(account: Account) -> list[tuple[str, str]]:
    """Return id and name of every student that an account may see, by name."""
    school, courses = account.school, rights.courses_of(account)
    tallies = DayTally.objects.filter(**rights.own(account))
    ids = set(tallies.values_list("student_id", flat=True).distinct())
    for student_id, its_courses in Student.objects.filter(school=school).values_list("student_id", "courses"):
        if courses is None or courses & {one.strip() for one in its_courses.split(";")}:
            ids.add(student_id)
    return sorted(names_of(school, ids).items(), key=lambda item: item[1].casefold())


def check_own(account: Account, student_id: str) -> None:
    """Raise Http404 for a student that an account may not see."""
    if DayTally.objects.filter(**rights.own(account), student_id=student_id).exists():
        return
    if Mark.objects.filter(**rights.own(account), student_id=student_id).exists():
        return
    row = Student.objects.filter(school=account.school, student_id=student_id).first()
    courses = rights.courses_of(account)
    if row is None or (courses is not None and not courses & {one.strip() for one in row.courses.split(";")}):
        raise Http404


@needs(rights.SEE_REGISTERS)
def student(request: HttpRequest, school: str, student_id: str) -> HttpResponse:
    """Show a student; a teacher sees only their own courses."""
    account = request.user
    check_own(account, student_id)
    place, mine = settings.OFFICE.schools[school], rights.own(account)
    first, last = period_of(request, place)
    marks = list(
        Mark.objects.filter(**mine, student_id=student_id, **between(first, last), is_counted=True).order_by("start")
    )
    excuses = excused_days(school, first, last, [student_id]).get(student_id, [])
    values = {
        "student_id": student_id,
        "name": names_of(school, [student_id])[student_id],
        "first": first,
        "last": last,
        "courses": _courses(marks, excuses),
        "calendar": _calendar(marks, excuses),
        "chart": _chart(marks),
        "absences": _absences(mine, marks, excuses),
        "excuses": excuses,
        "may_excuse": rights.may(account, rights.EXCUSE),
        "excuse_codes": place.excuse_codes,
        "may_file": rights.may(account, rights.SEE_STUDENT_FILE),
    }
    return render(request, "office/student.html", values)


def _absences(mine: dict[str, Any], marks: Iterable[Mark], excuses: list[Excuse]) -> list[dict[str, Any]]:
    """Return the marks other than present, the latest first, each with the doubts about student and lesson."""
    found = [one for one in marks if one.standing in ("absent", "to_confirm")]
    lessons = Lesson.objects.filter(**mine, lesson_id__in=[one.lesson_id for one in found])
    room = dict(lessons.values_list("lesson_id", "register_flags"))
    return [
        {
            "mark": one,
            "flags": [
                *(t(FLAGS[flag]) for flag in one.flags.split() if flag in FLAGS),
                *flags_in_words(room.get(one.lesson_id, "").split()),
            ],
            "excused": is_excused(excuses, one.day),
        }
        for one in reversed(found)
    ]


def _courses(marks: Iterable[Mark], excuses: list[Excuse]) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mark in marks:
        counts[mark.course][mark.standing] += 1
        counts[mark.course]["excused"] += mark.standing == "absent" and is_excused(excuses, mark.day)
    return [
        {"course": course, **dict(count), "rate": rate(count["present"], count["absent"])}
        for course, count in sorted(counts.items())
    ]


def rate(present: int, absent: int) -> float | None:
    """Return the share of presences among decided lessons, None if there are none."""
    return present / (present + absent) if present + absent else None


def _calendar(marks: Iterable[Mark], excuses: list[Excuse]) -> list[dict[str, Any]]:
    """Return the weeks with their days and the marks of each."""
    days: dict[date, list[dict[str, str]]] = defaultdict(list)
    for mark in marks:
        excused = mark.standing == "absent" and is_excused(excuses, mark.day)
        days[mark.day].append(
            {
                "letter": "E" if excused else _LETTERS[mark.standing],
                "kind": "excused" if excused else mark.standing,
                "words": f"{mark.course or t('All students')}: {t('excused') if excused else t(mark.standing)}",
                "lesson_id": mark.lesson_id,
            }
        )
    weeks: dict[date, list[dict[str, Any]]] = {}
    for day in days:
        weeks.setdefault(day - timedelta(days=day.weekday()), [])
    for monday, week in weeks.items():
        week += [{"day": day, "marks": days.get(day, [])} for day in (monday + timedelta(days=n) for n in range(7))]
    return [{"monday": monday, "days": week} for monday, week in sorted(weeks.items(), reverse=True)]


def _chart(marks: Iterable[Mark]) -> Any:
    weeks: dict[date, Counter[str]] = defaultdict(Counter)
    for mark in marks:
        weeks[mark.day - timedelta(days=mark.day.weekday())][mark.standing] += 1
    rates = [
        (day_and_month(monday), share)
        for monday, count in sorted(weeks.items())
        if (share := rate(count["present"], count["absent"])) is not None
    ]
    return rate_line(rates, t("Attendance by week"), is_rtl=is_right_to_left())


@needs(rights.SEE_STUDENT_FILE)
def student_file(request: HttpRequest, school: str, student_id: str) -> HttpResponse:
    """Return everything that the office stores about a student, as JSON, and record the request for the page Audit."""
    about = {"school": school, "student_id": student_id}
    tables: dict[str, list[dict[str, Any]]] = {
        model.__name__: list(model.objects.filter(**about).values())
        for model in (Student, Mark, DayTally, SignedChange, Decision, Excuse, Activity)
    }
    if not any(tables.values()):
        raise Http404
    note(school, request.user.username, "student file", student_id=student_id)
    ids = {row["lesson_id"] for row in tables["Mark"]}
    tables["Lesson"] = list(
        Lesson.objects.filter(school=school, lesson_id__in=list(ids)[:10_000]).values(
            "lesson_id", "device", "course", "start", "end", "path"
        )
    )
    response = JsonResponse(
        {"school": school, "student_id": student_id, **tables}, json_dumps_params={"indent": 1, "ensure_ascii": False}
    )
    response.headers["Content-Disposition"] = 'attachment; filename="student.json"'
    return response
