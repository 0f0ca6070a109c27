"""Finds documents that are missing from a room's ledger.

Each document names its predecessor, and the device's heartbeat reports the number of registers.

A signature proves that a document is genuine, but not that none was removed. The device's heartbeat is not signed; it
is compared with the documents and never replaces them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_daemon.app.collect.document_findings import CommitmentFound, RegisterFound
from edge_daemon.app.collect.document_tree import DocumentProblem, read_object

_MOST_SHOWN: Final = 20
_MOST: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Claims:
    """The heartbeat's statements about the ledger; a value that is None or empty was not reported."""

    registers: int | None = None
    """Number of revisions, including rehearsals."""
    waiting: int = 0
    """Number of documents that are not delivered yet."""
    lesson_id: str = ""
    """Lesson id of the newest register."""
    revision: int = 0
    sha256: str = ""


def read_claims(folder: Path) -> Claims:
    """Return the statements about the ledger in the heartbeat of a device's folder."""
    top = read_object(folder / "status.json") or {}
    last, queue = top.get("last_register"), top.get("queue")
    upstream = queue.get("upstream") if isinstance(queue, dict) else None
    last = last if isinstance(last, dict) else {}
    lesson_id, sha256 = last.get("lesson_id"), last.get("sha256")
    return Claims(
        _count(top.get("registers")),
        _count(upstream.get("waiting")) or 0 if isinstance(upstream, dict) else 0,
        lesson_id[:80] if isinstance(lesson_id, str) else "",
        _count(last.get("revision")) or 0,
        sha256[:64] if isinstance(sha256, str) else "",
    )


def missing(
    room: str,
    registers: Collection[RegisterFound],
    commitments: Collection[CommitmentFound],
    claims: Claims,
    left_out: int = 0,
) -> Iterator[DocumentProblem]:
    """Yield the missing documents, a line each.

    Args:
        room: the device's name.
        registers: every revision in the folder whose signature is verified.
        commitments: every commitment in the folder whose signature is verified.
        claims: the heartbeat's statements about the ledger.
        left_out: number of files that are left out as invalid. Up to this many missing predecessors are not
            reported, because these files may be the predecessors.
    """
    here = {one.sha256 for one in registers}
    by_name = {(one.lesson_id, one.revision): one.sha256 for one in registers}
    last_is_gone = claims.sha256 != "" and claims.waiting == 0 and claims.sha256 not in here
    all_are_here = claims.registers is not None and claims.registers <= len(here) and not last_is_gone
    lines: list[DocumentProblem] = []
    for one in registers:
        where = f"{room}: register {one.lesson_id}"
        named = one.previous_sha256
        if named is None or named in here:
            continue
        if one.revision == 1 and not all_are_here:
            what = "the register that the device made before it is not here: it was removed, or is a rehearsal"
            lines.append(DocumentProblem(where, what, is_left_out=False))
        elif one.revision > 1 and (one.lesson_id, one.revision - 1) in by_name:
            what = f"revision {one.revision} follows another revision {one.revision - 1} than the one that is here"
            lines.append(DocumentProblem(where, what, is_left_out=False))
    if len(lines) + last_is_gone <= left_out:
        lines, last_is_gone = [], False
    promised = {one.sha256 for one in commitments}
    gone = sum(one.previous_sha256 is not None and one.previous_sha256 not in promised for one in commitments)
    if gone > left_out:
        what = f"{gone} commitments are missing that others follow"
        lines.append(DocumentProblem(room, what, is_left_out=False))
    if last_is_gone:
        where = f"{room}: register {claims.lesson_id}"
        what = f"revision {claims.revision}, the newest of the device by its heartbeat, is not here"
        lines.append(DocumentProblem(where, what, is_left_out=False))
    if lines and claims.registers is not None and claims.registers > len(here):
        waiting = f", {claims.waiting} documents wait there" if claims.waiting else ""
        what = f"the device has {claims.registers} registers by its heartbeat, {len(here)} are here{waiting}"
        lines.insert(0, DocumentProblem(room, what, is_left_out=False))
    yield from lines[:_MOST_SHOWN]
    if len(lines) > _MOST_SHOWN:
        more = f"{len(lines) - _MOST_SHOWN} more documents are missing"
        yield DocumentProblem(room, more, is_left_out=False)


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return int(value) if is_count and isinstance(value, int) else None
