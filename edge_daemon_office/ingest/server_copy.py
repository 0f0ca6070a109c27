"""A copy of what a server of kind `api` holds, in the school's tree, and the office's lists put there.

The server's feed (docs/openapi.yaml) names what came since the last time: without anything new this is one request. A
document counts only after ingest has proven it, so that nothing here has to believe the server.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from edge_daemon_office.decisions.lists import put
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School, ServerSettings
from edge_daemon_office.ingest.tree import MAX_BYTES, read_object
from edge_daemon_office.shared.device.signing import text_signer
from edge_daemon_office.web_client import NoAnswerError, WebAnswer, ask

STATE: Final = ".server.json"
"""In the tree: the cursor, and which of our lists the server has."""
LISTS: Final = ("corrections.json", "excuses.json")
_WANTED: Final = re.compile(
    r"v1/devices/[^/]+/(?:key\.json|status\.json|commitments/[^/]+\.json|registers/[^/]+/[^/]+\.json)"
)
_ONCE: Final = re.compile(r"v1/devices/[^/]+/(?:commitments|registers)/.*")
_LONGEST: Final = 200
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]|[ .]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
_MOST_PAGES: Final = 100_000


@dataclass(slots=True)
class CopyResult:
    """What a run brought."""

    documents: int = 0
    sent: int = 0
    problems: list[str] = field(default_factory=list)


class ServerCopy:
    """A server and the tree that gets its documents.

    Args:
        school: its tree is the copy.
        server: address and token.
        office_key: public key of the office; a list that another key signed is left alone.
    """

    def __init__(self, school: School, server: ServerSettings, office_key: str) -> None:
        self._tree, self._server, self._office_key = school.tree, server, office_key
        self._state = self._known_state()

    def bring(self) -> CopyResult:
        """Bring every document that came since the last run; a run that is cut goes on the next time.

        Raises:
            OfficeError: the server gives no answer, does not let us in, or has no list of its documents.
        """
        result = CopyResult()
        for cursor, rows in self._pages():
            for path, sha256 in rows:
                if problem := self._bring(path, sha256, result):
                    result.problems.append(f"{path}: {problem}")
            if not result.problems and cursor != self._state["cursor"]:
                self._state["cursor"] = cursor  # behind a problem the feed names it again
                self._keep_state()
        return result

    def send_lists(self) -> CopyResult:
        """Put the office's lists on the server where it has other ones; raises as `bring`."""
        result = CopyResult()
        for name in LISTS:
            for path in sorted((self._tree / "v1" / "devices").glob(f"*/{name}")):
                place, body = path.relative_to(self._tree).as_posix(), path.read_bytes()
                sha256 = hashlib.sha256(body).hexdigest()
                if self._state["sent"].get(place) == sha256 or self._signer(body) != self._office_key:
                    continue
                if place not in self._state["sent"] and self._is_foreign(place):
                    result.problems.append(f"{place}: was written by somebody else: take it away from the server first")
                    continue
                answer = self._ask("PUT", quote(place), body)
                if answer.status in (200, 201, 204):
                    self._state["sent"][place] = sha256
                    self._keep_state()
                    result.sent += 1
                else:
                    result.problems.append(f"{place}: is not taken (status {answer.status})")
        return result

    def _pages(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        cursor = self._state["cursor"]
        for _ in range(_MOST_PAGES):
            answer = self._ask("GET", f"v1/documents?after={quote(cursor, safe='')}" if cursor else "v1/documents")
            if answer.status == 410 and cursor:
                cursor = ""
                continue
            found = answer.json() if answer.status == 200 else None
            if not isinstance(found, dict) or not isinstance(found.get("documents"), list):
                raise self._error(f"has no list of documents (status {answer.status})", "it has to be of kind api")
            last, given = cursor, found.get("cursor")
            cursor = given if isinstance(given, str) else ""
            yield cursor, list(_rows(found["documents"]))
            if found.get("more") is not True or cursor in ("", last):
                return

    def _bring(self, path: str, sha256: str, result: CopyResult) -> str:
        """Bring a document; return why it can't be had."""
        if not _WANTED.fullmatch(path):
            return ""
        if any(not _is_name(part) for part in path.split("/")):
            return "has a name that is none"
        target = self._tree / path
        if _ONCE.fullmatch(path) and target.is_file() and _sha256(target) == sha256:
            return ""
        answer = self._ask("GET", quote(path))
        if answer.status != 200:
            return f"is listed, and can't be had (status {answer.status})"
        if len(answer.body) > MAX_BYTES:
            return f"is larger than {MAX_BYTES >> 20} MiB"
        if _ONCE.fullmatch(path) and hashlib.sha256(answer.body).hexdigest() != sha256:
            return "is another document than the list says"
        try:
            text = answer.body.decode("utf-8")
            target.parent.mkdir(parents=True, exist_ok=True)
            put(target, text)
        except UnicodeDecodeError:
            return "is not UTF-8"
        except OSError as error:
            raise OfficeError(f"can't be written: {error.strerror}", str(target), "check its rights") from error
        result.documents += 1
        return ""

    def _is_foreign(self, place: str) -> bool:
        answer = self._ask("GET", quote(place))
        return answer.status != 404 and self._signer(answer.body) != self._office_key

    def _signer(self, body: bytes) -> str | None:
        try:
            return text_signer(body.decode("utf-8"), {self._office_key})
        except UnicodeDecodeError:
            return None

    def _ask(self, method: str, place: str, body: bytes | None = None) -> WebAnswer:
        headers = {"Accept": "*/*", **self._server.authorization()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = ask(method, f"{self._server.url}/{place}", headers, body, ca_file=self._server.ca_file)
        except NoAnswerError as error:
            raise self._error(str(error), "the next run goes on") from error
        if answer.status in (401, 403) and place.startswith("v1/documents"):
            raise self._error(f"does not let us in (status {answer.status})", "check token_file and username")
        return answer

    def _error(self, what: str, hint: str) -> OfficeError:
        return OfficeError(what, self._server.url, hint)

    def _known_state(self) -> dict[str, Any]:
        kept = read_object(self._tree / STATE)
        sent, cursor = kept.get("sent"), kept.get("cursor")
        is_same = kept.get("url") == self._server.url
        return {
            "url": self._server.url,
            "cursor": cursor if is_same and isinstance(cursor, str) else "",
            "sent": sent if is_same and isinstance(sent, dict) else {},
        }

    def _keep_state(self) -> None:
        self._tree.mkdir(parents=True, exist_ok=True)
        put(self._tree / STATE, json.dumps(self._state))


def bring_documents(home: OfficeHome, school: School) -> list[str]:
    """Bring what is new on the school's server; return what could not be had. Without a server nothing is done.

    Raises:
        OfficeError: the server gives no answer, or does not let us in.
    """
    if school.server is None:
        return []
    (school.tree / "v1" / "devices").mkdir(parents=True, exist_ok=True)
    return ServerCopy(school, school.server, office_signer(home).public_key).bring().problems


def send_lists(home: OfficeHome, school: School) -> list[str]:
    """Put the office's lists on the school's server; return what it did not take. Raises as `bring_documents`."""
    if school.server is None:
        return []
    return ServerCopy(school, school.server, office_signer(home).public_key).send_lists().problems


def _rows(rows: list[Any]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("path"), str) and isinstance(row.get("sha256"), str):
            yield row["path"], row["sha256"]


def _is_name(name: str) -> bool:
    """Return whether that is the name of a file or folder on every system, and no way elsewhere."""
    is_plain = 0 < len(name) <= _LONGEST and name.isprintable() and not name.startswith(".") and "\\" not in name
    return is_plain and not _NOT_ON_WINDOWS.search(name)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
