"""Lists a server's documents: from the index of kind `api`, or folder by folder (nginx's autoindex as JSON, or WebDAV).

A name from a server counts as a name and never as a path, so that no answer can lead outside the target folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final, TypeGuard
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from edge_daemon.delivery.document_paths import quoted
from edge_daemon.delivery.http import HttpAnswer, Server
from edge_daemon.errors import DeliveryError

MAX_LISTING: Final = 64 * 2**20
_OK, _MULTISTATUS, _NOT_FOUND, _FORGOTTEN, _WHO, _NOT_ALLOWED = 200, 207, 404, 410, 401, 403
_NO_DAV: Final = (403, 405, 501)
"""Status codes of a server without PROPFIND. For a missing folder nginx answers GET with 404, and PROPFIND with one
of these."""
_ASK: Final = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
    b"<getlastmodified/><getetag/></prop></propfind>"
)
_DAV: Final = "{DAV:}"
_LONGEST: Final = 200
_TIME, _ETAG = "time", "etag"
"""The first word of a version: whether a modification time or an ETag follows."""
_SETTLED_AFTER: Final = timedelta(minutes=1)
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]|[ .]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
"""Names that Windows would change, or take for a device, a stream or a pattern."""


@dataclass(frozen=True, slots=True)
class ListingEntry:
    """A file or folder within a folder."""

    name: str
    is_folder: bool
    version: str = ""
    """It changes when the file, or the direct content of the folder, changes; empty if the server has none."""


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The content of a folder."""

    entries: Sequence[ListingEntry] = ()
    at: datetime | None = None
    """Time of the listing by the server's clock; None if the server does not say."""

    def is_settled(self, entry: ListingEntry) -> bool:
        """Return whether any later change of an entry is sure to change its version.

        Modification times are whole seconds: a file that was changed just now may change again and keep its time.
        """
        kind, _, rest = entry.version.partition(" ")
        if kind != _TIME:
            return bool(entry.version)
        changed_at = _http_date(rest.partition("|")[0])
        return self.at is not None and changed_at is not None and changed_at <= self.at - _SETTLED_AFTER


@dataclass(frozen=True, slots=True)
class ServerIndex:
    """The documents that a server named."""

    files: Mapping[str, str]
    """SHA-256 by path."""
    cursor: str = ""
    """A later request with this cursor returns only newer documents. It is empty if the server has no feed."""
    is_whole: bool = True
    """False if `files` has only the documents that arrived after the cursor of the request."""


def index(server: Server, after: str = "") -> ServerIndex | None:
    """Return the server's documents, or those that arrived after a cursor; None if the server has no index.

    Args:
        server: the connection.
        after: cursor of an earlier index; empty to request all documents.

    Raises:
        NoAnswerError: there was no complete answer.
        DeliveryError: the server refuses the login.
    """
    files: dict[str, str] = {}
    cursor = after
    while True:
        place = f"v1/documents?after={quote(cursor, safe='')}" if cursor else "v1/documents"
        answer = server.ask("GET", place, headers={"Accept": "application/json"}, max_bytes=MAX_LISTING)
        if answer.status in (_WHO, _NOT_ALLOWED):
            raise _refused(server, answer)
        if answer.status == _FORGOTTEN and cursor:
            return index(server)
        found = _json(answer) if answer.status == _OK and not answer.is_cut else None
        rows = found.get("documents") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(rows, list):
            return None
        pairs = [(row.get("path"), row.get("sha256")) for row in rows if isinstance(row, dict)]
        files |= {path: sha256 for path, sha256 in pairs if isinstance(path, str) and isinstance(sha256, str)}
        next_cursor = found.get("cursor")
        if not isinstance(next_cursor, str) or not 0 < len(next_cursor) <= _LONGEST:
            return ServerIndex(files)  # no feed: it has listed everything
        if found.get("more") is not True or next_cursor == cursor:
            return ServerIndex(files, next_cursor, is_whole=not after)
        cursor = next_cursor


def folder(server: Server, path: str) -> FolderListing:
    """Return the content of a folder, empty if there is no such folder.

    Raises:
        NoAnswerError: there was no complete answer.
        DeliveryError: the server refuses the login, or can't list folders.
    """
    place = quoted(path) + "/"
    answer = server.ask("GET", place, headers={"Accept": "application/json"}, max_bytes=MAX_LISTING)
    if answer.status == _WHO:
        raise _refused(server, answer)
    is_absent = answer.status == _NOT_FOUND
    at = _http_date(answer.headers.get("date", ""))
    rows = _json(answer) if answer.status == _OK and not answer.is_cut else None
    if isinstance(rows, list):
        return FolderListing(_named(_of_autoindex(row) for row in rows if isinstance(row, dict)), at)
    headers = {"Depth": "1", "Content-Type": "application/xml"}
    answer = server.ask("PROPFIND", place, body=_ASK, headers=headers, max_bytes=MAX_LISTING)
    if answer.status == _NOT_FOUND or (is_absent and answer.status in _NO_DAV):
        return FolderListing()
    at = _http_date(answer.headers.get("date", ""))
    if answer.status != _MULTISTATUS or answer.is_cut:
        raise _refused(server, answer)
    return FolderListing(_of_propfind(answer.body, unquote(f"{urlsplit(server.base).path}/{place}"), server.where), at)


def _of_autoindex(row: Mapping[str, object]) -> tuple[object, bool, str]:
    at, size = row.get("mtime"), row.get("size", "")
    version = f"{_TIME} {at}|{size}" if isinstance(at, str) and isinstance(size, (int, str)) else ""
    return row.get("name"), row.get("type") == "directory", version


def _of_propfind(body: bytes, asked: str, where: str) -> list[ListingEntry]:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise DeliveryError("its list of files defines entities, which no WebDAV server does", where)
    try:
        tree = ElementTree.fromstring(body)  # noqa: S314 - it contains no entities
    except ElementTree.ParseError as error:
        raise DeliveryError(f"its list of files can't be read ({error})", where, "is it a WebDAV server?") from error
    found: list[tuple[object, bool, str]] = []
    for response in tree.iter(f"{_DAV}response"):
        path = unquote(urlsplit(response.findtext(f"{_DAV}href", "")).path).rstrip("/")
        if path != asked.rstrip("/"):
            is_folder = response.find(f".//{_DAV}collection") is not None
            found.append((path.rpartition("/")[2], is_folder, _dav_version(response)))
    return _named(found)


def _dav_version(response: ElementTree.Element) -> str:
    etag, at, size = (
        (response.findtext(f".//{_DAV}{name}") or "").strip()
        for name in ("getetag", "getlastmodified", "getcontentlength")
    )
    return f"{_ETAG} {etag}" if etag else f"{_TIME} {at}|{size}" if at else ""


def _named(rows: Iterable[tuple[object, bool, str]]) -> list[ListingEntry]:
    return [ListingEntry(name, is_folder, version) for name, is_folder, version in rows if _is_good(name)]


def _is_good(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and is_name(name)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def is_name(name: str) -> bool:
    """Return whether a text is a visible name of a file or folder, and no path."""
    return 0 < len(name) <= _LONGEST and name.isprintable() and not name.startswith(".") and not set(name) & set("/\\")


def is_kept_by_windows(path: str) -> bool:
    """Return whether Windows allows files and folders with these names."""
    return not any(_NOT_ON_WINDOWS.search(part) for part in path.split("/"))


def _json(answer: HttpAnswer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _refused(server: Server, answer: HttpAnswer) -> DeliveryError:
    if answer.status in (_WHO, _NOT_ALLOWED):
        hint = "give --token-file, and --username if the server needs a name"
        return DeliveryError(f"does not let us in ({answer.status})", server.where, hint)
    what = f"can't list its folders (answered {answer.status})"
    hint = "a server of kind api has v1/documents, nginx `autoindex_format json`, others PROPFIND; or sync the folder"
    return DeliveryError(what, server.where, hint)
