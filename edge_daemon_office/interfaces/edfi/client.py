"""An Ed-Fi ODS/API: a token by client credentials, and the resource `studentSectionAttendanceEvents`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from edge_daemon_office.interfaces.settings import EdFiSettings
from edge_daemon_office.web_client import NoAnswerError, WebAnswer, ask

_RESOURCE: Final = "/ed-fi/studentSectionAttendanceEvents"
_LONGEST: Final = 300


class EdFiDownError(Exception):
    """The system can't accept anything now; this run sends nothing more."""


class EventRefusedError(Exception):
    """The system refuses this event; the error has the system's text, cut to a maximum length."""


class EdFiClient:
    """Sends and deletes events.

    Args:
        settings: address and credentials of the system.
    """

    def __init__(self, settings: EdFiSettings) -> None:
        self._settings = settings
        self._token = ""

    def put(self, body: Mapping[str, Any]) -> str:
        """Create or update the event that the natural key in `body` identifies; return its id.

        Raises:
            EdFiDownError: the system can't accept anything.
            EventRefusedError: it refuses this event.
        """
        answer = self._ask("POST", _RESOURCE, json.dumps(body).encode("utf-8"))
        if answer.status not in (200, 201):
            raise EventRefusedError(_reason(answer))
        found = answer.headers.get("location", "").rstrip("/").rpartition("/")[2]
        return found or self.find(body)

    def delete(self, resource_id: str) -> None:
        """Delete an event; a missing one counts as deleted. Raises the errors of `put`."""
        answer = self._ask("DELETE", f"{_RESOURCE}/{quote(resource_id, safe='')}")
        if answer.status not in (200, 204, 404):
            raise EventRefusedError(_reason(answer))

    def find(self, body: Mapping[str, Any]) -> str:
        """Return the id of the event with the natural key of a body, empty if there is none; errors as in `put`."""
        section = body["sectionReference"]
        wanted = {
            "attendanceEventCategoryDescriptor": body["attendanceEventCategoryDescriptor"],
            "eventDate": body["eventDate"],
            "studentUniqueId": body["studentReference"]["studentUniqueId"],
            **{name: section[name] for name in ("localCourseCode", "schoolId", "schoolYear", "sectionIdentifier")},
            "sessionName": section["sessionName"],
        }
        answer = self._ask("GET", f"{_RESOURCE}?{urlencode(wanted)}")
        rows = answer.json()
        if answer.status != 200 or not isinstance(rows, list):
            raise EventRefusedError(_reason(answer))
        ids = [one["id"] for one in rows if isinstance(one, dict) and isinstance(one.get("id"), str)]
        return ids[0] if ids else ""

    def _ask(self, method: str, path: str, body: bytes | None = None) -> WebAnswer:
        """Send a request with a token, which is renewed once if it has expired."""
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self._token or self._new_token()}", "Accept": "application/json"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            answer = self._send(method, f"{self._settings.data_path}{path}", headers, body)
            if answer.status != 401:
                return answer
            self._token = ""
        raise EdFiDownError("does not accept the token that it gave")

    def _new_token(self) -> str:
        words = f"{quote(self._settings.client_id, safe='')}:{quote(self._settings.client_secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(words.encode('ascii')).decode('ascii')}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        answer = self._send("POST", self._settings.token_path, headers, b"grant_type=client_credentials")
        document = answer.json()
        token = document.get("access_token") if isinstance(document, dict) else None
        if answer.status != 200 or not isinstance(token, str) or not token.isprintable():
            raise EdFiDownError(f"gives no token (status {answer.status}): check client_id and secret_file")
        self._token = token
        return token

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> WebAnswer:
        try:
            answer = ask(method, self._settings.url + path, headers, body)
        except NoAnswerError as error:
            raise EdFiDownError(str(error)) from error
        if answer.status in (408, 429) or answer.status >= 500:
            raise EdFiDownError(f"answers with status {answer.status}")
        return answer


def _reason(answer: WebAnswer) -> str:
    document = answer.json()
    words = ""
    if isinstance(document, dict):
        words = str(document.get("detail") or document.get("message") or document.get("title") or "")
    text = "".join(sign if sign.isprintable() else " " for sign in words)[:_LONGEST]
    return f"status {answer.status}{f': {text}' if text else ''}"
