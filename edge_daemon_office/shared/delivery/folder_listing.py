"""Parses a folder's listing: nginx's autoindex as JSON, or the answer to WebDAV's PROPFIND.

A name from a server counts as a name and never as a path, so that no answer can lead outside the target folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final, TypeGuard
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from edge_daemon_office.shared.errors import DeliveryError

PROPFIND_BODY: Final = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
    b"<getlastmodified/><getetag/></prop></propfind>"
)
"""Body of a PROPFIND request, with `Depth: 1`."""
_DAV: Final = "{DAV:}"
_LONGEST_BYTES: Final = 240
"""Longest name in UTF-8. File systems allow 255, and a half-written file has a longer name than the whole one."""
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
    """A text that changes when the file, or the direct content of the folder, changes; empty if the server has none."""


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
        changed_at = http_date(rest.partition("|")[0])
        return self.at is not None and changed_at is not None and changed_at <= self.at - _SETTLED_AFTER


def of_autoindex(rows: Sequence[object], at: datetime | None) -> FolderListing:
    """Return the listing in nginx's JSON.

    Args:
        rows: the parsed answer.
        at: time of the answer by the server's clock; None if it does not say.
    """
    return FolderListing(_named(_of_autoindex(row) for row in rows if isinstance(row, dict)), at)


def of_propfind(body: bytes, asked: str, where: str, at: datetime | None) -> FolderListing:
    """Return the listing in an answer to PROPFIND.

    Args:
        body: the answer.
        asked: path of the folder on the server, not quoted; the answer names it, too.
        where: the server, for the error.
        at: time of the answer by the server's clock; None if it does not say.

    Raises:
        DeliveryError: the body is not an answer to PROPFIND.
    """
    return FolderListing(_of_propfind(body, asked, where), at)


def _of_autoindex(row: Mapping[str, object]) -> tuple[object, bool, str]:
    at, size = row.get("mtime"), row.get("size", "")
    version = f"{_TIME} {at}|{size}" if isinstance(at, str) and isinstance(size, (int, str)) else ""
    return row.get("name"), row.get("type") == "directory", version


def _of_propfind(body: bytes, asked: str, where: str) -> list[ListingEntry]:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:  # with zero bytes it is UTF-16
        raise DeliveryError("its list of files defines entities or is not UTF-8, which no WebDAV server sends", where)
    try:
        tree = ElementTree.fromstring(body, ElementTree.XMLParser(encoding="utf-8"))  # noqa: S314 - without entities
    except ElementTree.ParseError as error:
        raise DeliveryError(f"its list of files can't be read ({error})", where, "is it a WebDAV server?") from error
    found: list[tuple[object, bool, str]] = []
    for response in tree.iter(f"{_DAV}response"):
        path = _path_of(response.findtext(f"{_DAV}href", ""))
        if path != asked.rstrip("/"):
            is_folder = response.find(f".//{_DAV}collection") is not None
            found.append((path.rpartition("/")[2], is_folder, _dav_version(response)))
    return _named(found)


def _path_of(address: str) -> str:
    try:
        return unquote(urlsplit(address).path).rstrip("/")
    except ValueError:  # such as an IPv6 address without its end
        return ""


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


def http_date(text: str) -> datetime | None:
    """Return the time in a header such as Date; None if there is none."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def is_name(name: str) -> bool:
    """Return whether a text is a visible name of a file or folder, and no path."""
    if not name.isprintable() or name.startswith(".") or set(name) & set("/\\"):
        return False
    return 0 < len(name.encode("utf-8")) <= _LONGEST_BYTES


def is_kept_by_windows(path: str) -> bool:
    """Return whether Windows allows every folder and file name in a path."""
    return not any(_NOT_ON_WINDOWS.search(part) for part in path.split("/"))
