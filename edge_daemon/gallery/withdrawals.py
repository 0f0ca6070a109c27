"""Applies consents withdrawn at the office: erases templates and their keys at once; name and registers stay."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from edge_daemon.errors import GalleryError
from edge_daemon.gallery import erasure
from edge_daemon.gallery.templates import GalleryStore, StudentRecord
from edge_daemon.store import gallery as tables
from edge_daemon.store.gallery import GalleryChange, StudentRow


@dataclass(frozen=True, slots=True)
class WithdrawalResult:
    """The result of applying a list of withdrawn consents."""

    erased: int
    """Number of students whose templates were erased now, or whose consent was withdrawn now."""
    already: int
    """Number of students who already had no consent."""
    unknown: int
    """Number of ids that are unknown here; one list may serve a whole school."""


def withdraw(store: GalleryStore, student_ids: Collection[str], now: datetime) -> WithdrawalResult:
    """Withdraw the consent of students, including those who left the roster. A second call changes nothing.

    As in an import, the old data key gets a tombstone, so that no backup restores the templates. Name and addresses are
    sealed under a new key. Everything happens in one transaction.

    Raises:
        GalleryError: the device key is another one, or another command changed the gallery meanwhile; nothing was
            changed.
        StoreError: the database can't be written; nothing was changed.
    """
    wanted, rows = set(student_ids), tables.student_rows(store.db)
    counts = tables.template_counts(store.db)
    going = {r.student_id for r in rows if r.student_id in wanted and (r.consent or r.student_id in counts)}
    known = wanted & {row.student_id for row in rows}
    done = WithdrawalResult(len(going), len(known) - len(going), len(wanted) - len(known))
    if not going:
        return done
    records = {record.student.student_id: record for record in store.records()}
    marks = [store.tombstone(row, "templates", now) for row in rows if row.student_id in going]
    change = GalleryChange(
        students=[
            _without_consent(store, row, records[row.student_id]) if row.student_id in going else row for row in rows
        ],
        templates=[],
        replaced=frozenset(going),
        look_alikes=[pair for pair in tables.look_alikes(store.db) if not {pair.a, pair.b} & going],
        tombstones=marks,
    )
    if not tables.replace_roster(store.db, change, [row.wrapped_key for row in rows]):
        raise GalleryError("another command changed the gallery meanwhile", "gallery", "try again")
    tables.wipe_log(store.db)
    erasure.append_to_file(store.db, marks)
    return done


def _without_consent(store: GalleryStore, row: StudentRow, record: StudentRecord) -> StudentRow:
    bare = replace(record.student, consent=False)
    return store.sealed_student(bare, record.extra, row.position, store.new_key(row.student_id))
