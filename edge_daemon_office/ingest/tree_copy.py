"""A school's tree as a copy of a server, and the office's lists put there.

A document counts only after ingest has verified its signature, so that nothing here has to trust the server.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from edge_daemon_office.decisions.lists import put
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School, ServerSettings
from edge_daemon_office.ingest.day_index import with_more
from edge_daemon_office.ingest.tree import MAX_BYTES, read_object
from edge_daemon_office.shared.delivery.document_paths import DELIVERED
from edge_daemon_office.shared.delivery.folder_listing import is_kept_by_windows, is_name
from edge_daemon_office.shared.device.signing import text_signer
from edge_daemon_office.web_client import NoAnswerError, WebAnswer, WebSession

STATE: Final = ".server.json"
"""The file in the tree that records the state of the copy, and which of the office's lists the server has."""
LISTS: Final = ("corrections.json", "excuses.json")
_WANTED: Final = re.compile(
    r"v1/devices/[^/]+/(?:key\.json|status\.json|commitments/[^/]+\.json|registers/[^/]+/[^/]+\.json)"
)
_DAY_LOG: Final = re.compile(r"v1/devices/[^/]+/days/\d{4}-\d\d-\d\d\.json")
_ONCE: Final = re.compile(r"v1/devices/[^/]+/(?:commitments|registers)/.*")


@dataclass(slots=True)
class CopyResult:
    """The result of a run: the documents copied from the server, and the lists sent to it."""

    documents: int = 0
    sent: int = 0
    problems: list[str] = field(default_factory=list)


class TreeCopy(ABC):
    """Copies documents from a server to the tree. A subclass knows how that kind of server lists its documents.

    Args:
        school: its tree is the copy.
        server: address and token.
        office_key: public key of the office; a list that another key signed is left alone.
    """

    def __init__(self, school: School, server: ServerSettings, office_key: str) -> None:
        self._tree, self._server, self._office_key = school.tree, server, office_key
        self._session = WebSession(server.url, server.authorization(), ca_file=server.ca_file)
        self.state = self._known_state()

    @abstractmethod
    def bring(self) -> CopyResult:
        """Copy every document that the server got since the last run; the next run continues an interrupted one.

        Raises:
            OfficeError: the server gives no answer, refuses the office's login, or can't list its documents.
        """

    def send_lists(self) -> CopyResult:
        """Put the office's lists that have changed on the server; raises the errors of `bring`."""
        result = CopyResult()
        for name in LISTS:
            for path in sorted((self._tree / "v1" / "devices").glob(f"*/{name}")):
                place, body = path.relative_to(self._tree).as_posix(), path.read_bytes()
                sha256 = hashlib.sha256(body).hexdigest()
                if self.state["sent"].get(place) == sha256 or self._signer(body) != self._office_key:
                    continue
                if place not in self.state["sent"] and self._is_foreign(place):
                    result.problems.append(f"{place}: was written by somebody else: take it away from the server first")
                    continue
                answer = self.ask("PUT", quote(place), body)
                if answer.status in (200, 201, 204):
                    self.state["sent"][place] = sha256
                    self.keep_state()
                    result.sent += 1
                else:
                    result.problems.append(f"{place}: is not taken (status {answer.status})")
        return result

    def bring_document(self, path: str, sha256: str, result: CopyResult, *, is_day_log: bool = False) -> str:
        """Copy a document to the tree; return why that failed, empty if it did not.

        Args:
            path: path below the server's address.
            sha256: SHA-256 by the server's list; empty: the list has none.
            result: counts the documents that are new here.
            is_day_log: True: it is the log of a day, which is copied only where it is asked for.

        Raises:
            OfficeError: the server does not answer, or the tree can't be written.
        """
        if not (_DAY_LOG if is_day_log else _WANTED).fullmatch(path):
            return ""
        if not is_kept_by_windows(path) or any(not is_name(part) for part in path.split("/")):
            return "has a name that is none"
        target = self._tree / path
        is_once = _ONCE.fullmatch(path) is not None
        if is_once and target.is_file() and sha256 in ("", _sha256(target)):
            return ""
        answer = self.ask("GET", quote(path))
        if answer.status != 200:
            return f"is listed, and can't be had (status {answer.status})"
        if len(answer.body) > MAX_BYTES:
            return f"is larger than {MAX_BYTES >> 20} MiB"
        if is_once and sha256 not in ("", hashlib.sha256(answer.body).hexdigest()):
            return "is another document than the list says"
        try:
            if target.is_file() and target.read_bytes() == answer.body:
                return ""
            text = answer.body.decode("utf-8")
            target.parent.mkdir(parents=True, exist_ok=True)
            put(target, text)
        except UnicodeDecodeError:
            return "is not UTF-8"
        except OSError as error:
            raise OfficeError(f"can't be written: {error.strerror}", str(target), "check its rights") from error
        result.documents += 1
        return ""

    def index(self, came: Iterable[tuple[str, str]]) -> None:
        """Add documents to the day index of each device, so that ingest need not list all folders.

        Args:
            came: path and SHA-256 of each copied document; only registers and commitments are added.
        """
        today = datetime.now(timezone.utc).date()
        by_folder: dict[str, list[tuple[str, str]]] = {}
        for path, sha256 in came:
            if not _ONCE.fullmatch(path):
                continue
            _, _, folder, place = path.split("/", 3)
            by_folder.setdefault(folder, []).append((place, sha256))
        for folder, more in by_folder.items():
            target = self._tree / "v1" / "devices" / folder / DELIVERED / f"{today.isoformat()}.json"
            text = with_more(target, folder, today, more)
            if text is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                put(target, text)

    def _is_foreign(self, place: str) -> bool:
        answer = self.ask("GET", quote(place))
        return answer.status != 404 and self._signer(answer.body) != self._office_key

    def _signer(self, body: bytes) -> str | None:
        try:
            return text_signer(body.decode("utf-8"), {self._office_key})
        except UnicodeDecodeError:
            return None

    def ask(
        self, method: str, place: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> WebAnswer:
        """Send a request for a quoted path, and return the answer.

        Raises:
            OfficeError: there is no answer.
        """
        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            return self._session.ask(method, place, body, {"Accept": "*/*", **kind, **(headers or {})})
        except NoAnswerError as error:
            raise self.error(str(error), "the next run goes on") from error

    def refused(self, status: int) -> OfficeError:
        """Return the error for a server that refuses the office's login with this HTTP status."""
        return self.error(f"refuses the login (status {status})", "check token_file and username")

    def error(self, what: str, hint: str) -> OfficeError:
        """Return an error about the server."""
        return OfficeError(what, self._server.url, hint)

    def _known_state(self) -> dict[str, Any]:
        kept = read_object(self._tree / STATE)
        sent, cursor, rooms, logs = kept.get("sent"), kept.get("cursor"), kept.get("rooms"), kept.get("day_logs")
        is_same = kept.get("url") == self._server.url
        return {
            "url": self._server.url,
            "cursor": cursor if is_same and isinstance(cursor, str) else "",
            "sent": sent if is_same and isinstance(sent, dict) else {},
            "rooms": rooms if is_same and isinstance(rooms, dict) else {},
            "day_logs": logs if is_same and isinstance(logs, dict) else {},
        }

    def keep_state(self) -> None:
        """Write the state of the copy to the tree, for the next run."""
        self._tree.mkdir(parents=True, exist_ok=True)
        put(self._tree / STATE, json.dumps(self.state))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
