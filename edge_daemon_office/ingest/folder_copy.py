"""A copy of a server of kind `webdav`, whose folders can only be listed.

Each sync of a device replaces the heartbeat in its folder, so that the list of the devices' folders shows which of them
changed. In a changed folder the day indexes name the new documents. All folders of a device are listed once a day,
because an index may be wrong. Some servers do not change the time of a folder when a file in it is replaced. Each run
therefore also looks at one folder that seems unchanged. If nothing is new, a run takes at most four requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from edge_daemon_office.decisions.lists import put
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.ingest.day_index import LIST_ALL_AFTER, is_index_name, parsed_index
from edge_daemon_office.ingest.tree import read_object
from edge_daemon_office.ingest.tree_copy import CopyResult, TreeCopy
from edge_daemon_office.shared.attendance.fields import json_object
from edge_daemon_office.shared.delivery.document_paths import DELIVERED
from edge_daemon_office.shared.delivery.folder_listing import (
    PROPFIND_BODY,
    FolderListing,
    http_date,
    is_kept_by_windows,
    of_autoindex,
    of_propfind,
)
from edge_daemon_office.shared.errors import DeliveryError, RegisterError
from edge_daemon_office.shared.timestamps import parsed, written

_ROOT: Final = "v1/devices"
_NOTE: Final = ".copy.json"
"""The file in the copy of a device's folder that records the state of that copy."""
_MOST_FAILED: Final = 100
"""Largest number of documents of a device that could not be copied and are requested again in each run."""
_LOOK_AGAIN_AFTER: Final = timedelta(minutes=10)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NO_DAV: Final = (403, 405, 501)


class ListingError(OfficeError):
    """A folder of the server can't be listed; others may be."""


class FolderCopy(TreeCopy):
    """Copies documents from a server of kind `webdav`, by listing its folders."""

    _is_dav = False

    def bring(self) -> CopyResult:
        """Copy the new documents of all devices from the server."""
        result, now = CopyResult(), datetime.now(timezone.utc)
        top = self._folder(_ROOT)
        rooms = {one.name: one for one in top.entries if one.is_folder}
        if not rooms:
            raise self.error(f"has no {_ROOT} with a device in it", "write what upstream.url of the devices says")
        known = {name: self._seen(name) for name in rooms}
        is_same = {name: one.version != "" and known[name][0] == one.version for name, one in rooms.items()}
        oldest = min((name for name in rooms if is_same[name]), key=lambda name: known[name][1], default="")
        if oldest and not timedelta(0) <= now - known[oldest][1] < _LOOK_AGAIN_AFTER:
            is_same[oldest] = False
        for name, entry in rooms.items():
            if is_same[name]:
                continue
            if not is_kept_by_windows(name):
                result.problems.append(f"{_ROOT}/{name}: has a name that is none")
                continue
            before = len(result.problems)
            self._bring_room(name, now, result)
            is_done = len(result.problems) == before and top.is_settled(entry)
            self.state["rooms"][name] = [entry.version if is_done else "", written(now)]
            self.keep_state()
        return result

    def _seen(self, name: str) -> tuple[str, datetime]:
        """Return the last version of a device's folder that was copied completely, and when a run last looked at it."""
        match self.state["rooms"].get(name):
            case [str(version), str(looked_at)]:
                return version, _time(looked_at)
        return "", _LONG_AGO

    def _bring_room(self, name: str, now: datetime, result: CopyResult) -> None:
        """Copy the new documents of a device from the server, and note what the next run need not look at again."""
        note = self._tree / _ROOT / name / _NOTE
        known = read_object(note)
        if known.get("url") != self._server.url:
            known = {}
        listing = self._listed(f"{_ROOT}/{name}/{DELIVERED}", result)
        stamps = {
            one.name: one.version if listing.is_settled(one) else ""
            for one in listing.entries
            if not one.is_folder and is_index_name(one.name)
        }
        listed_at, lessons = _time(known.get("listed_at")), _texts(known.get("lessons"))
        named: list[tuple[str, str]] | None = None
        if stamps and timedelta(0) <= now - listed_at < LIST_ALL_AFTER:
            taken = _texts(known.get("indexes"))
            named = self._named(
                name, [one for one in sorted(stamps) if not stamps[one] or taken.get(one) != stamps[one]]
            )
        if named is None:
            before = len(result.problems)
            named = [(path, "") for path in self._all(name, lessons, result)]
            if len(result.problems) == before:
                listed_at = now  # else the next run lists everything again
        else:
            named += _texts(known.get("failed")).items()
        came = self._bring_all([(f"{_ROOT}/{name}/{path}", sha256) for path, sha256 in named], result)
        here = {path for path, _ in came}
        failed = {path: sha256 for path, sha256 in named if f"{_ROOT}/{name}/{path}" not in here}
        has_key = (note.parent / "key.json").is_file() and listed_at != now
        for path in ("status.json",) if has_key else ("key.json", "status.json"):
            self._bring_optional(f"{_ROOT}/{name}/{path}", result)
        self.index(came)
        if len(failed) > _MOST_FAILED:
            return  # the next run begins where this one did
        copied = {"listed_at": written(listed_at), "indexes": stamps, "lessons": lessons, "failed": failed}
        note.parent.mkdir(parents=True, exist_ok=True)
        put(note, json.dumps({"url": self._server.url, **copied}))

    def _named(self, name: str, indexes: list[str]) -> list[tuple[str, str]] | None:
        """Return path and SHA-256 of the documents that these indexes name; None if one is missing or incomplete."""
        found: list[tuple[str, str]] = []
        for one in indexes:
            answer = self.ask("GET", quote(f"{_ROOT}/{name}/{DELIVERED}/{one}"))
            try:
                index = parsed_index(json_object(answer.body.decode("utf-8"))) if answer.status == 200 else None
            except (UnicodeDecodeError, RegisterError):
                index = None
            if index is None:
                return None
            found += index.documents.items()
        return found

    def _all(self, name: str, lessons: dict[str, str], result: CopyResult) -> Iterator[str]:
        """Yield the paths of all documents of a device, below its folder.

        Args:
            name: the device's folder.
            lessons: versions of the folders that are complete here; updated while this generator runs.
            result: receives the folders that can't be listed, as problems.
        """
        for one in self._listed(f"{_ROOT}/{name}/commitments", result).entries:
            if not one.is_folder and one.name.endswith(".json"):
                yield f"commitments/{one.name}"
        listing = self._listed(f"{_ROOT}/{name}/registers", result)
        folders = [one for one in listing.entries if one.is_folder]
        says_when = len(folders) < 2 or len({one.version for one in folders}) > 1
        for one in folders:
            if says_when and one.version and lessons.get(one.name) == one.version:
                continue
            before = len(result.problems)
            files = self._listed(f"{_ROOT}/{name}/registers/{one.name}", result).entries
            is_listed = len(result.problems) == before
            lessons[one.name] = one.version if is_listed and listing.is_settled(one) else ""
            for file in files:
                if not file.is_folder and file.name.endswith(".json"):
                    yield f"registers/{one.name}/{file.name}"

    def _bring_all(self, named: list[tuple[str, str]], result: CopyResult) -> list[tuple[str, str]]:
        """Copy documents from the server; return those of them that the tree now has."""
        here = []
        for path, sha256 in named:
            if problem := self.bring_document(path, sha256, result):
                result.problems.append(f"{path}: {problem}")
            else:
                here.append((path, sha256))
        return here

    def _bring_optional(self, path: str, result: CopyResult) -> None:
        """Copy a document that a device need not have: if the server has none (status 404), that is no problem."""
        problem = self.bring_document(path, "", result)
        if problem and "status 404" not in problem:
            result.problems.append(f"{path}: {problem}")

    def _listed(self, path: str, result: CopyResult) -> FolderListing:
        """Return the content of a folder; if it can't be listed, add a problem and return an empty listing."""
        try:
            return self._folder(path)
        except ListingError as error:
            result.problems.append(f"{path}: {error.what}")
            return FolderListing()

    def _folder(self, path: str) -> FolderListing:
        """Return the content of a folder, empty if there is no such folder.

        Raises:
            ListingError: this folder can't be listed.
            OfficeError: the server does not answer, or refuses the office's login.
        """
        place, is_absent = quote(path) + "/", False
        if not self._is_dav:
            answer = self.ask("GET", place, headers={"Accept": "application/json"})
            rows = _json(answer.body) if answer.status == 200 else None
            if isinstance(rows, list):
                return of_autoindex(rows, http_date(answer.headers.get("date", "")))
            if answer.status == 401:
                raise self.refused(answer.status)
            is_absent = answer.status == 404
        answer = self.ask("PROPFIND", place, PROPFIND_BODY, {"Depth": "1", "Content-Type": "application/xml"})
        if answer.status == 404 or (is_absent and answer.status in _NO_DAV):
            return FolderListing()
        if answer.status == 401 or (answer.status == 403 and path == _ROOT):
            raise self.refused(answer.status)
        if answer.status != 207:
            hint = "it has to be nginx with `autoindex_format json`, or know PROPFIND"
            raise ListingError(f"can't list its folders (status {answer.status})", self._server.url, hint)
        self._is_dav = True
        where = urlsplit(self._server.url)
        try:
            at = http_date(answer.headers.get("date", ""))
            return of_propfind(answer.body, unquote(f"{where.path}/{place}"), where.hostname or "", at)
        except DeliveryError as error:
            raise ListingError(error.what, self._server.url, error.hint) from error


def _time(value: object) -> datetime:
    try:
        return parsed(value) if isinstance(value, str) else _LONG_AGO
    except ValueError:
        return _LONG_AGO


def _texts(value: object) -> dict[str, str]:
    return {str(key): one for key, one in value.items() if isinstance(one, str)} if isinstance(value, dict) else {}


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
