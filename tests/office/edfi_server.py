"""An Ed-Fi ODS/API by the published contract of `studentSectionAttendanceEvents` (ODS/API 7, Data Standard 5).

POST makes or updates by the natural key and names the resource in Location (201 new, 200 there). DELETE is by id (204,
404). GET is by values of properties, 25 at most. A token comes by client credentials. Unknown properties, descriptors,
sections and students are refused as the contract has it (400, 409). `events` has the stored events.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/data/v3/ed-fi/studentSectionAttendanceEvents"
DESCRIPTORS = {
    f"uri://ed-fi.org/AttendanceEventCategoryDescriptor#{word}"
    for word in ("In Attendance", "Excused Absence", "Unexcused Absence", "Tardy", "Early departure")
}
SECTION = {"localCourseCode": str, "schoolId": int, "schoolYear": int, "sectionIdentifier": str, "sessionName": str}
REQUIRED = {"attendanceEventCategoryDescriptor", "eventDate", "sectionReference", "studentReference"}
OPTIONAL = {
    *("arrivalTime", "attendanceEventReason", "classPeriods", "departureTime", "educationalEnvironmentDescriptor"),
    *("eventDuration", "sectionAttendanceDuration"),
}


class EdFiServer:
    """The system: its stored events, and the requests that it got.

    Args:
        sections: section identifiers that it knows.
        students: ids that it knows; None: all.
    """

    def __init__(self, sections: set[str], students: set[str] | None = None) -> None:
        self.sections, self.students = sections, students
        self.events: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.token = ""
        self.status = 0
        self.url = ""

    def state(self) -> dict[tuple[str, str, str, str], frozenset[str]]:
        """Return the class periods by student, day, section and word of the category."""
        return {
            (
                one["studentReference"]["studentUniqueId"],
                one["eventDate"],
                one["sectionReference"]["sectionIdentifier"],
                one["attendanceEventCategoryDescriptor"].partition("#")[2],
            ): frozenset(period["classPeriodReference"]["classPeriodName"] for period in one.get("classPeriods", []))
            for one in self.events.values()
        }

    def wrong(self, body: Any) -> tuple[int, str] | None:
        """Return status and detail if a body can't be an event, otherwise None."""
        if not isinstance(body, dict) or not body.keys() >= REQUIRED or not body.keys() <= REQUIRED | OPTIONAL:
            return 400, "Data validation failed: a property is missing or unknown."
        section = body["sectionReference"]
        if section.keys() != SECTION.keys() or not all(type(section[name]) is kind for name, kind in SECTION.items()):
            return 400, "Data validation failed: sectionReference."
        if body["attendanceEventCategoryDescriptor"] not in DESCRIPTORS:
            return 400, "The descriptor is unknown."
        for one in body.get("classPeriods", []):
            if one.keys() != {"classPeriodReference"} or one["classPeriodReference"].keys() != {
                "classPeriodName",
                "schoolId",
            }:
                return 400, "Data validation failed: classPeriods."
        student_id = body["studentReference"]["studentUniqueId"]
        if section["sectionIdentifier"] not in self.sections or (self.students and student_id not in self.students):
            return 409, "The value supplied for the related 'studentSectionAssociation' does not exist."
        return None


def key_of(body: dict[str, Any]) -> tuple[Any, ...]:
    section = body["sectionReference"]
    return (
        body["attendanceEventCategoryDescriptor"],
        body["eventDate"],
        *(section[name] for name in SECTION),
        body["studentReference"]["studentUniqueId"],
    )


class _Handler(BaseHTTPRequestHandler):
    office: EdFiServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/oauth/token":
            known = base64.b64encode(b"key:secret").decode()
            if self.headers["Authorization"] != f"Basic {known}" or body != b"grant_type=client_credentials":
                return self._answer(401, {"error": "invalid_client"})
            self.office.token = uuid.uuid4().hex
            return self._answer(200, {"access_token": self.office.token, "expires_in": 1800, "token_type": "bearer"})
        if not self._is_let_in():
            return None
        event = json.loads(body)
        if wrong := self.office.wrong(event):
            return self._answer(wrong[0], {"detail": wrong[1], "status": wrong[0], "title": "x"})
        for resource_id, one in self.office.events.items():
            if key_of(one) == key_of(event):
                self.office.events[resource_id] = event
                return self._answer(200, None, f"{self.office.url}{PATH}/{resource_id}")
        resource_id = uuid.uuid4().hex
        self.office.events[resource_id] = event
        return self._answer(201, None, f"{self.office.url}{PATH}/{resource_id}")

    def do_DELETE(self) -> None:
        if self._is_let_in():
            gone = self.office.events.pop(urlsplit(self.path).path.rpartition("/")[2], None)
            self._answer(404 if gone is None else 204, None)

    def do_GET(self) -> None:
        if not self._is_let_in():
            return
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        found = []
        for resource_id, one in self.office.events.items():
            flat = {**one["sectionReference"], **one["studentReference"], **one}
            if all(str(flat[name]) == value for name, value in wanted.items()):
                found.append({"id": resource_id, **one})
        self._answer(200, found[:25])

    def _is_let_in(self) -> bool:
        self.office.asked.append(f"{self.command} {urlsplit(self.path).path.removeprefix(PATH)}")
        if self.office.status:
            self._answer(self.office.status, {"detail": "busy"})
        elif not self.office.token or self.headers["Authorization"] != f"Bearer {self.office.token}":
            self._answer(401, None)
        elif not urlsplit(self.path).path.startswith(PATH):
            self._answer(404, None)
        else:
            return True
        return False

    def _answer(self, status: int, content: Any, location: str = "") -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def an_edfi_server(sections: set[str], students: set[str] | None = None) -> Iterator[EdFiServer]:
    office = EdFiServer(sections, students)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"office": office}))
    server.daemon_threads = True
    office.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
