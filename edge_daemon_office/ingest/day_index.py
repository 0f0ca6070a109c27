"""Day indexes in a device's folder: which documents came on a day (docs/delivered.schema.json).

An index only says where to look. It is not signed, and the documents that it names are verified as all others are. The
device writes it to a folder; for a server of kind `api`, the copy of the tree does (`tree_copy.py`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from edge_daemon_office.ingest.tree import read_object
from edge_daemon_office.shared.delivery.document_paths import DELIVERED

SCHEMA: Final = 1
MOST_DOCUMENTS: Final = 500
"""If more documents came, listing all folders costs no more than looking for each."""
LIST_ALL_AFTER: Final = timedelta(days=1)
"""A folder is listed as a whole after this time, because an index may be wrong, or a document may have been removed."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d\.json")
_DOCUMENT: Final = re.compile(r"(?:registers/[^/\\.][^/\\]*|commitments)/[^/\\.][^/\\]*\.json")


@dataclass(frozen=True, slots=True)
class DayIndex:
    """The documents that an index names."""

    documents: Mapping[str, str]
    """SHA-256 by path below the device's folder; empty where the device does not know it."""


def index_stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the day indexes of a device, by name: time of change in ns, and size in bytes."""
    found = {}
    try:
        with os.scandir(folder / DELIVERED) as entries:
            for one in entries:
                if _DAY.fullmatch(one.name) and one.is_file(follow_symlinks=False):
                    status = one.stat(follow_symlinks=False)
                    found[one.name] = (status.st_mtime_ns, status.st_size)
    except OSError:
        return {}
    return found


def is_index_name(name: str) -> bool:
    """Return whether a file name is that of a day index, such as 2026-11-30.json."""
    return _DAY.fullmatch(name) is not None


def parsed_index(top: Mapping[str, object]) -> DayIndex | None:
    """Return the index in a JSON object; None if it is no index, or an index that leaves documents out."""
    rows = top.get("documents")
    if top.get("schema") != SCHEMA or top.get("left_out") != 0 or not isinstance(rows, list):
        return None
    found: dict[str, str] = {}
    for row in rows:
        path = row.get("path") if isinstance(row, dict) else None
        if not isinstance(path, str) or not path.isprintable() or not _DOCUMENT.fullmatch(path):
            return None
        sha256 = row.get("sha256")
        found[path] = sha256 if isinstance(sha256, str) else ""
    return DayIndex(found)


def read_index(path: Path) -> DayIndex | None:
    """Return the index in a file; None if the file has no complete index, so that folders must be listed instead."""
    return parsed_index(read_object(path))


def index_text(device: str, on: date, documents: Mapping[str, str], left_out: int) -> str:
    """Return the text of an index that names these documents, and counts those that it leaves out."""
    rows = [{"path": path, "sha256": sha256} for path, sha256 in documents.items()]
    top = {"schema": SCHEMA, "device": device, "day": on.isoformat(), "documents": rows, "left_out": left_out}
    return json.dumps(top, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def with_more(path: Path, device: str, on: date, more: Iterable[tuple[str, str]]) -> str | None:
    """Return the text of an index after more documents came; None if it names all of them already.

    Args:
        path: the index; it may not be there yet.
        device: name of the device's folder.
        on: the day of the index.
        more: path below the device's folder and SHA-256 of each document.
    """
    top = read_object(path)
    left_out = top.get("left_out")
    known = parsed_index({**top, "left_out": 0}) if top else DayIndex({})
    count = left_out if isinstance(left_out, int) else 0
    if known is None:
        known, count = DayIndex({}), 1  # what it named is not known any more
    documents = {**known.documents}
    for place, sha256 in more:
        if documents.get(place) == sha256:
            continue
        if len(documents) < MOST_DOCUMENTS:
            documents[place] = sha256
        else:
            count += 1
    is_same = documents == known.documents and count == left_out
    return None if is_same else index_text(device, on, documents, count)
