"""URLs. Those of a school's pages begin with its short name; `people.gate` hides the pages of other schools."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import include, path

from edge_daemon_office.interfaces import read_api
from edge_daemon_office.pages import (
    accounts,
    asset,
    audit,
    below,
    excuse,
    language,
    lesson,
    rooms,
    sections,
    student,
    today,
)

SCHOOL_PAGES: Final = [
    path("<slug:school>/today/", today.today, name="today"),
    path("<slug:school>/lessons/<str:lesson_id>/", lesson.register, name="lesson"),
    path("<slug:school>/lessons/<str:lesson_id>/tick-list/", lesson.tick_list, name="tick-list"),
    path("<slug:school>/students/", student.students, name="students"),
    path("<slug:school>/students/<path:student_id>/", student.student, name="student"),
    path("<slug:school>/student-file/<path:student_id>/", student.student_file, name="student-file"),
    path("<slug:school>/excuses/<path:student_id>/", excuse.change_excuses, name="excuses"),
    path("<slug:school>/below/", below.below, name="below"),
    path("<slug:school>/rooms/", rooms.rooms, name="rooms"),
    path("<slug:school>/audit/", audit.audit, name="audit"),
    path("<slug:school>/ed-fi/", sections.sections, name="sections"),
]
"""Pages of one school."""

API: Final = [
    path("api/v1/openapi.json", read_api.openapi, name="api-description"),
    path("api/v1/<slug:school>/lessons", read_api.lessons, name="api-lessons"),
    path("api/v1/<slug:school>/lessons/<str:lesson_id>", read_api.lesson, name="api-lesson"),
    path("api/v1/<slug:school>/changes", read_api.changes, name="api-changes"),
    path("api/v1/<slug:school>/marks", read_api.marks, name="api-marks"),
    path("api/v1/<slug:school>/students", read_api.students, name="api-students"),
    path("api/v1/<slug:school>/excuses", read_api.excuses, name="api-excuses"),
    path("api/v1/<slug:school>/rooms", read_api.rooms, name="api-rooms"),
]
"""The read API; each address except the first needs a token."""

_PROVIDER: Final = "allauth.socialaccount.providers.openid_connect.urls"
OIDC: Final = [] if settings.OFFICE.oidc is None else [path("", include(_PROVIDER))]
"""Addresses of the school's own sign-in; empty if it is not set up."""

urlpatterns = [
    *OIDC,
    path("", accounts.start, name="start"),
    path("sign-in/", accounts.sign_in, name="sign-in"),
    path("code/", accounts.give_code, name="code"),
    path("second-factor/", accounts.second_factor, name="second-factor"),
    path("sign-out/", accounts.sign_out, name="sign-out"),
    path("password/", accounts.change_password, name="password"),
    path("language/", language.choose_language, name="language"),
    path("office.css", asset.style, name="style"),
    *API,
    *SCHOOL_PAGES,
]

handler404 = "edge_daemon_office.pages.accounts.not_found"
