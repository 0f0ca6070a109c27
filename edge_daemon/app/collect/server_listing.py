"""Lists a server's documents: from the index of a server of kind `api`, or folder by folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from edge_daemon.delivery.document_paths import quoted
from edge_daemon.delivery.folder_listing import PROPFIND_BODY, FolderListing, http_date, of_autoindex, of_propfind
from edge_daemon.delivery.http import HttpAnswer, Server
from edge_daemon.errors import DeliveryError

MAX_LISTING: Final = 64 * 2**20
_OK, _MULTISTATUS, _NOT_FOUND, _FORGOTTEN, _WHO, _NOT_ALLOWED = 200, 207, 404, 410, 401, 403
_NO_DAV: Final = (403, 405, 501)
"""Status codes of a server without PROPFIND. For a missing folder nginx answers GET with 404, and PROPFIND with one
of these."""
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class ServerIndex:
    """The documents that a server's index lists."""

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
        place = f"v1/documents?after={quote(cursor, safe='', errors='replace')}" if cursor else "v1/documents"
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
    at = http_date(answer.headers.get("date", ""))
    rows = _json(answer) if answer.status == _OK and not answer.is_cut else None
    if isinstance(rows, list):
        return of_autoindex(rows, at)
    headers = {"Depth": "1", "Content-Type": "application/xml"}
    answer = server.ask("PROPFIND", place, body=PROPFIND_BODY, headers=headers, max_bytes=MAX_LISTING)
    if answer.status == _NOT_FOUND or (is_absent and answer.status in _NO_DAV):
        return FolderListing()
    at = http_date(answer.headers.get("date", ""))
    if answer.status != _MULTISTATUS or answer.is_cut:
        raise _refused(server, answer)
    return of_propfind(answer.body, unquote(f"{urlsplit(server.base).path}/{place}"), server.where, at)


def _json(answer: HttpAnswer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _refused(server: Server, answer: HttpAnswer) -> DeliveryError:
    if answer.status in (_WHO, _NOT_ALLOWED):
        hint = "give --token-file, and --username if the server needs a name"
        return DeliveryError(f"refuses the login ({answer.status})", server.where, hint)
    what = f"can't list its folders (answered {answer.status})"
    hint = "a server of kind api has v1/documents, nginx `autoindex_format json`, others PROPFIND; or sync the folder"
    return DeliveryError(what, server.where, hint)
