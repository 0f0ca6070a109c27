"""Copies a school's documents from its server to the tree, and puts the office's lists on the server.

The feed of a server of kind `api` (docs/openapi.yaml) names the documents that came since the last run. If nothing is
new, this takes one request. The folders of a server of kind `webdav` are read by `folder_copy.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import quote

from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School, ServerSettings
from edge_daemon_office.ingest.day_logs import bring_day_logs
from edge_daemon_office.ingest.folder_copy import FolderCopy
from edge_daemon_office.ingest.tree_copy import CopyResult, TreeCopy

_MOST_PAGES: Final = 100_000


class FeedCopy(TreeCopy):
    """Copies documents from a server of kind `api`, by reading its feed."""

    def bring(self) -> CopyResult:
        """Copy the documents that the feed names after the cursor of the last run."""
        result = CopyResult()
        for cursor, rows in self._pages():
            came: list[tuple[str, str]] = []
            for path, sha256 in rows:
                known = result.documents
                if problem := self.bring_document(path, sha256, result):
                    result.problems.append(f"{path}: {problem}")
                elif cursor or result.documents > known:
                    came.append((path, sha256))
            self.index(came)  # before the cursor: after an interruption the feed names them again
            if not result.problems and cursor != self.state["cursor"]:
                self.state["cursor"] = cursor  # behind a problem the feed names it again
                self.keep_state()
        return result

    def _pages(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        cursor = self.state["cursor"]
        for _ in range(_MOST_PAGES):
            answer = self.ask("GET", f"v1/documents?after={_quoted(cursor)}" if cursor else "v1/documents")
            if answer.status == 410 and cursor:
                cursor = ""
                continue
            if answer.status in (401, 403):
                raise self.refused(answer.status)
            found = answer.json() if answer.status == 200 else None
            if not isinstance(found, dict) or not isinstance(found.get("documents"), list):
                raise self.error(
                    f"has no list of documents (status {answer.status})",
                    'it has to be of kind api; for folders write kind = "webdav"',
                )
            last, given = cursor, found.get("cursor")
            cursor = given if isinstance(given, str) else ""
            yield cursor, list(_rows(found["documents"]))
            if found.get("more") is not True or cursor in ("", last):
                return


def bring_documents(home: OfficeHome, school: School) -> list[str]:
    """Copy the new documents of the school's server; return those that could not be copied, a line each.

    Without a server nothing is done.

    Raises:
        OfficeError: the server gives no answer, or refuses the office's login; or the tree can't be written.
    """
    if school.server is None:
        return []
    try:
        (school.tree / "v1" / "devices").mkdir(parents=True, exist_ok=True)
        copy = _copy(home, school, school.server)
        problems = copy.bring().problems
        bring_day_logs(copy, school, datetime.now(timezone.utc))
        return problems
    except OSError as error:
        hint = "check its rights, and the space on its disk"
        raise OfficeError(f"can't be written: {error.strerror}", str(school.tree), hint) from error


def send_lists(home: OfficeHome, school: School) -> list[str]:
    """Put the office's lists on the school's server; return those that failed. Raises as `bring_documents`."""
    if school.server is None:
        return []
    return _copy(home, school, school.server).send_lists().problems


def _copy(home: OfficeHome, school: School, server: ServerSettings) -> TreeCopy:
    kind = FolderCopy if server.kind == "webdav" else FeedCopy
    return kind(school, server, office_signer(home).public_key)


def _quoted(cursor: str) -> str:
    """Return a cursor quoted for an address.

    Half a character is replaced, so the server answers 410 (unknown cursor).
    """
    return quote(cursor, safe="", errors="replace")


def _rows(rows: list[Any]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("path"), str) and isinstance(row.get("sha256"), str):
            yield row["path"], row["sha256"]
