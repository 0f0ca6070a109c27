"""The read API: JSON over HTTPS with a token. `openapi.json` describes it.

Version 1 may get new keys, but none is ever removed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from functools import cache, wraps
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from edge_daemon_office.decisions.models import Excuse
from edge_daemon_office.interfaces.tokens import scopes_of
from edge_daemon_office.pages.room_states import RoomStanding, room_states
from edge_daemon_office.registers.models import Lesson, Mark, Revision, Student
from edge_daemon_office.scope import use_school

PREFIX: Final = "api-"
"""Prefix of the names of the API's addresses. These need a token, and a signed-in session doesn't open them."""
_MOST: Final = 1000
"""Number of items on a page of the API."""
_UNKNOWN: Final = "no token, or one that is unknown here or has expired"
_LESSON: Final = (
    *("lesson_id", "device", "course", "start", "end", "day", "origin", "revision", "sha256", "held"),
    *("is_counted", "awaits_confirmation", "captures_planned", "captures_taken", "register_flags"),
    *("present", "absent", "to_confirm", "not_assessed"),
)
_MARK: Final = (
    *("lesson_id", "student_id", "course", "day", "start", "verdict", "standing", "flags", "share"),
    *("captures_seen", "captures_facing", "is_counted"),
)
_MARK_KEY: Final = {"month": int, "lesson_id": str, "student_id": str}
_LARGEST: Final = 2**63 - 1

View = Callable[..., HttpResponse]


class BadRequestError(Exception):
    """A parameter is invalid; the text of the error says which one, and why."""


def with_scope(scope: str) -> Callable[[View], View]:
    """Return a decorator that makes a view readable with a token of a scope."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, school: str, **words: str) -> HttpResponse:
            if request.method not in ("GET", "HEAD"):
                return problem(405, "only GET", {"Allow": "GET, HEAD"})
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            is_known = kind.lower() == "bearer" and school in settings.OFFICE.schools
            use_school(school if is_known else "")
            scopes = scopes_of(school, token.strip(), datetime.now(timezone.utc)) if is_known else None
            if scopes is None:
                return problem(401, _UNKNOWN, {"WWW-Authenticate": "Bearer"})
            if scope not in scopes:
                return problem(403, f"the token has no scope {scope}")
            try:
                return view(request, school, **words)
            except BadRequestError as error:
                return problem(400, str(error))

        guarded.scope = scope  # type: ignore[attr-defined]
        return guarded

    return decorate


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Return an error in the format of RFC 9457."""
    return JsonResponse(
        {"status": status, "detail": detail},
        status=status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


@cache
def _description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "openapi.json").read_text("utf-8"))
    return found


def openapi(_request: HttpRequest) -> HttpResponse:
    """Return the description of the API."""
    return JsonResponse(_description(), json_dumps_params={"indent": 1})


@with_scope("lessons")
def lessons(request: HttpRequest, school: str) -> HttpResponse:
    """List lessons by their id."""
    rows = Lesson.objects.filter(school=school, **_days(request), **_same(request, "course", "device"))
    return _listing(request, rows, {"lesson_id": str}, _lesson)


@with_scope("lessons")
def changes(request: HttpRequest, school: str) -> HttpResponse:
    """List revisions of lessons that arrived after a cursor, in the order of arrival."""
    return _listing(request, Revision.objects.filter(school=school), {"arrival": int}, _change)


@with_scope("lessons")
def lesson(_request: HttpRequest, school: str, lesson_id: str) -> HttpResponse:
    """Return one lesson."""
    row = Lesson.objects.filter(school=school, lesson_id=lesson_id).first()
    return problem(404, "no such lesson") if row is None else _answer(_lesson(row))


@with_scope("marks")
def marks(request: HttpRequest, school: str) -> HttpResponse:
    """List marks by month, lesson and student."""
    wanted: dict[str, Any] = {**_days(request), **_same(request, "course", "student_id", "lesson_id")}
    for bound in ("gte", "lte"):
        if day := wanted.get(f"day__{bound}"):
            wanted[f"month__{bound}"] = day.year * 100 + day.month
    if "lesson_id" in wanted:  # the key of a mark begins with the month
        found = Lesson.objects.filter(school=school, lesson_id=wanted["lesson_id"])
        wanted["month"] = found.values_list("month", flat=True).first() or 0
    return _listing(request, Mark.objects.filter(school=school, **wanted), _MARK_KEY, _mark)


@with_scope("students")
def students(request: HttpRequest, school: str) -> HttpResponse:
    """List the students of the roster, with their names."""
    return _listing(request, Student.objects.filter(school=school), {"student_id": str}, _student)


@with_scope("excuses")
def excuses(request: HttpRequest, school: str) -> HttpResponse:
    """List excuses that touch a period."""
    days = _days(request)
    wanted: dict[str, Any] = _same(request, "student_id")
    if "day__gte" in days:
        wanted["last_day__gte"] = days["day__gte"]
    if "day__lte" in days:
        wanted["first_day__lte"] = days["day__lte"]
    return _listing(request, Excuse.objects.filter(school=school, **wanted), {"excuse_id": str}, _excuse)


@with_scope("rooms")
def rooms(_request: HttpRequest, school: str) -> HttpResponse:
    """List the rooms, each with the reasons why it needs attention."""
    found = [_room(one) for one in room_states(settings.OFFICE.schools[school])]
    return _answer({"items": found, "next": None, "cursor": None})


def _listing(
    request: HttpRequest, rows: Any, types: Mapping[str, type], to_item: Callable[[Any], dict[str, Any]]
) -> HttpResponse:
    """Return a page of rows in the order of their key, and the cursor for the next page."""
    key = tuple(types)
    limit, after = _limit(request), _cursor(request, tuple(types.values()))
    if after is not None:
        rows = _behind(rows, key, after)
    found = list(rows.order_by(*key)[: limit + 1])
    page, has_more = found[:limit], len(found) > limit
    last = [getattr(page[-1], name) for name in key] if page else after
    return _answer(
        {
            "items": [to_item(one) for one in page],
            "next": _written(last) if has_more else None,
            "cursor": _written(last),
        }
    )


def _behind(rows: Any, key: tuple[str, ...], after: Sequence[Any]) -> Any:
    """Return the rows whose key comes after a position. The conditions have a form that can use the index."""
    wanted = Q()
    for at in range(len(key)):
        same = dict(zip(key[:at], after[:at], strict=True))
        wanted |= Q(**same, **{f"{key[at]}__gt": after[at]})
    return rows.filter(wanted, **{f"{key[0]}__gte": after[0]})


def _answer(content: dict[str, Any]) -> HttpResponse:
    return JsonResponse(content, headers={"Cache-Control": "no-store"}, json_dumps_params={"ensure_ascii": False})


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("limit", str(_MOST))
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= _MOST:
        raise BadRequestError(f"limit: write a whole number from 1 to {_MOST}")
    return int(text)


def _cursor(request: HttpRequest, kinds: Sequence[type]) -> list[Any] | None:
    """Return the position in the parameter `after`, or None without it; raise BadRequestError for an invalid one.

    Args:
        request: the request for a page of rows.
        kinds: the types of the values in the position.
    """
    text = request.GET.get("after", "")
    if not text:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
        json.dumps(values, ensure_ascii=False).encode("utf-8")  # half a character is in no key
    except (ValueError, RecursionError) as error:
        raise BadRequestError("after: is not a cursor of this API") from error
    if not isinstance(values, list) or [type(one) for one in values] != list(kinds):
        raise BadRequestError("after: is not a cursor of this list")
    if any(isinstance(one, int) and abs(one) > _LARGEST for one in values):
        raise BadRequestError("after: is not a cursor of this list")
    return values


def _written(place: Sequence[Any] | None) -> str | None:
    if place is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode("utf-8")).decode("ascii").rstrip("=")


def _days(request: HttpRequest) -> dict[str, date]:
    found = {}
    for name, bound in (("from", "day__gte"), ("to", "day__lte")):
        if text := request.GET.get(name, ""):
            try:
                found[bound] = date.fromisoformat(text)
            except ValueError as error:
                raise BadRequestError(f"{name}: write a day as 2026-11-30") from error
    return found


def _same(request: HttpRequest, *names: str) -> dict[str, str]:
    return {name: request.GET[name] for name in names if name in request.GET}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _plain(row: Any, names: Sequence[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        value = getattr(row, name)
        if isinstance(value, datetime):
            value = _time(value)
        found[name] = value.isoformat() if isinstance(value, date) else value
    return found


def _lesson(row: Lesson) -> dict[str, Any]:
    found = _plain(row, [name for name in _LESSON if name != "awaits_confirmation"])
    return {**found, "awaits_confirmation": row.awaits, "register_flags": row.register_flags.split()}


def _mark(row: Mark) -> dict[str, Any]:
    return {**_plain(row, _MARK), "flags": row.flags.split()}


def _change(row: Revision) -> dict[str, Any]:
    return _plain(row, ("lesson_id", "revision", "device", "sha256", "found_at"))


def _student(row: Student) -> dict[str, Any]:
    courses = [one.strip() for one in row.courses.split(";") if one.strip()]
    return {"student_id": row.student_id, "name": row.name, "courses": courses}


def _room(row: RoomStanding) -> dict[str, Any]:
    heartbeat = row.heartbeat
    return {
        "device": row.device,
        "last_contact": _time(heartbeat.at) if heartbeat else None,
        "version": heartbeat.version if heartbeat else "",
        "needs_somebody": bool(row.reasons),
        "reasons": row.reasons,
    }


def _excuse(row: Excuse) -> dict[str, Any]:
    return _plain(row, ("excuse_id", "student_id", "first_day", "last_day", "code"))
