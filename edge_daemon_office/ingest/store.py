"""Writes verified documents to the tables, each batch in one transaction; the order of documents does not matter."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Max

from edge_daemon_office.ingest.examine import LeftOut, ProvenCommitment, ProvenDocument
from edge_daemon_office.ingest.mark_rows import insert_marks, mark_rows
from edge_daemon_office.ingest.tree import TreeFile
from edge_daemon_office.registers.models import (
    Commitment,
    DayTally,
    Lesson,
    Mark,
    Problem,
    Promise,
    Revision,
    SignedChange,
    Source,
)
from edge_daemon_office.registers.months import month_of
from edge_daemon_office.registers.partitions import ensure_months
from edge_daemon_office.shared.attendance.doubt import awaits_confirmation, is_cancelled, standing
from edge_daemon_office.shared.delivery.document_paths import device_folder
from edge_daemon_office.shared.types import Register

_CONFIRMATION: Final = -1
_PART: Final = 500
"""Number of lessons in one SQL statement."""
STANDINGS: Final = ("present", "absent", "to_confirm", "not_assessed")


@dataclass(frozen=True, slots=True)
class Examined:
    """A file and the finding on it."""

    file: TreeFile
    finding: ProvenDocument | ProvenCommitment | LeftOut


@dataclass(slots=True)
class BatchCount:
    """The result of a batch."""

    registers: int = 0
    repeated: int = 0
    commitments: int = 0
    left_out: int = 0


class BatchWriter:
    """Writes the documents of one device.

    Args:
        school: its short name.
        zone: the school's time zone, which decides the day of a lesson.
        device: the device's name in the list of keys.
        folder: name of its folder in the tree.
        now: the time at which the documents were found.
    """

    def __init__(self, school: str, zone: ZoneInfo, device: str, folder: str, now: datetime) -> None:
        self.school, self.zone, self.device, self.folder, self.now = school, zone, device, folder, now

    def write(self, batch: Sequence[Examined]) -> BatchCount:
        """Write a batch, as a whole or not at all."""
        count = BatchCount()
        ensure_months(self._months(batch))
        with transaction.atomic():
            paths = [one.file.path for one in batch]
            Source.objects.filter(school=self.school, path__in=paths).delete()
            Problem.objects.filter(school=self.school, kind__in=("document", "gone"), where__in=paths).delete()
            registers = self._registers(batch, count)
            self._store_lessons(registers)
            self._store_commitments(batch)
            count.commitments = sum(isinstance(one.finding, ProvenCommitment) for one in batch)
            Source.objects.bulk_create([self._source(one) for one in batch])
        return count

    def _months(self, batch: Sequence[Examined]) -> set[int]:
        """Return the months of the lessons of a batch."""
        registers = (one.finding.document.register for one in batch if isinstance(one.finding, ProvenDocument))
        return {month_of(register.lesson.start.astimezone(self.zone).date()) for register in registers}

    def _registers(self, batch: Sequence[Examined], count: BatchCount) -> dict[str, tuple[TreeFile, ProvenDocument]]:
        """Store the new revisions; return the newest document of each lesson that changes, by lesson id.

        A lesson changes if it is new, or if the batch has a newer revision of it.
        """
        ids = {
            one.finding.document.register.lesson.lesson_id for one in batch if isinstance(one.finding, ProvenDocument)
        }
        known = {
            (lesson_id, revision): sha256
            for lesson_id, revision, sha256 in Revision.objects.filter(
                school=self.school, lesson_id__in=ids
            ).values_list("lesson_id", "revision", "sha256")
        }
        highest = dict(
            Lesson.objects.filter(school=self.school, lesson_id__in=ids).values_list("lesson_id", "revision")
        )
        stored = frozenset(known)
        newest: dict[str, tuple[TreeFile, ProvenDocument]] = {}
        new: list[Revision] = []
        for one in batch:
            what = one.finding.what if isinstance(one.finding, LeftOut) else self._stray(one)
            if not what and isinstance(one.finding, ProvenDocument):
                register, sha256 = one.finding.document.register, one.finding.sha256
                name = (register.lesson.lesson_id, register.revision)
                there = known.setdefault(name, sha256)
                if there != sha256:
                    what = f"differs from another revision {register.revision} of this lesson, both signed"
                elif sha256 in {row.sha256 for row in new if (row.lesson_id, row.revision) == name}:
                    count.repeated += 1
                else:
                    is_there = name in stored
                    count.repeated += is_there
                    if not is_there:
                        new.append(self._revision(one.file, one.finding))
                        count.registers += 1
                        if register.revision > highest.get(name[0], 0):
                            highest[name[0]] = register.revision
                            newest[name[0]] = (one.file, one.finding)
            if what:
                count.left_out += 1
                self._problem(one.file.path, what)
        self._number(new)
        Revision.objects.bulk_create(new)
        return newest

    def _number(self, new: Sequence[Revision]) -> None:
        """Number revisions by arrival: higher than any number that a reader has seen, even after a rebuild."""
        if not new:
            return
        last = Revision.objects.filter(school=self.school).aggregate(last=Max("arrival"))["last"] or 0
        begin = max(last + 1, time.time_ns() // 1000)
        for at, one in enumerate(new):
            one.arrival = begin + at

    def _stray(self, one: Examined) -> str:
        """Return why a verified document does not belong at its place, empty if it does."""
        finding = one.finding
        assert not isinstance(finding, LeftOut)
        named = (
            finding.document.register.lesson.device
            if isinstance(finding, ProvenDocument)
            else finding.commitment.device
        )
        if named != self.device and device_folder(named).rpartition("/")[2] != self.folder:
            return f"is a document of {named[:100]}, not of this room"
        lesson_id = finding.document.register.lesson.lesson_id if isinstance(finding, ProvenDocument) else ""
        if lesson_id and not one.file.path.startswith(f"{self.folder}/registers/{lesson_id}/"):
            return "lies in the folder of another lesson"
        return ""

    def _store_lessons(self, newest: dict[str, tuple[TreeFile, ProvenDocument]]) -> None:
        if not newest:
            return
        touched = self._forget_lessons(list(newest))
        lessons, marks, changes = [], [], []
        for file, proven in newest.values():
            register = proven.document.register
            lesson = self._lesson(file, proven)
            touched.add((lesson.day, lesson.course))
            lessons.append(lesson)
            marks += mark_rows(register, lesson)
            changes += self._changes(register)
        Lesson.objects.bulk_create(lessons)
        insert_marks(marks)
        SignedChange.objects.bulk_create(changes, batch_size=1000)
        tally_days(self.school, touched)

    def _forget_lessons(self, lesson_ids: Sequence[str]) -> set[tuple[date, str]]:
        """Remove lessons from the tables, with their marks; return their days and courses."""
        gone = Lesson.objects.filter(school=self.school, lesson_id__in=lesson_ids)
        places = list(gone.values_list("month", "lesson_id", "day", "course"))
        if not places:
            return set()
        delete_marks(self.school, [(month, lesson_id) for month, lesson_id, _, _ in places])
        SignedChange.objects.filter(school=self.school, lesson_id__in=lesson_ids).delete()
        gone.delete()
        return {(day, course) for _, _, day, course in places}

    def _lesson(self, file: TreeFile, proven: ProvenDocument) -> Lesson:
        register = proven.document.register
        lesson, confirmed = register.lesson, register.confirmed
        day = lesson.start.astimezone(self.zone).date()
        stands = [standing(verdict) for verdict in register.verdicts]
        return Lesson(
            school=self.school,
            lesson_id=lesson.lesson_id,
            device=self.device,
            course=lesson.course,
            start=lesson.start,
            end=lesson.end,
            day=day,
            month=month_of(day),
            origin=lesson.origin,
            revision=register.revision,
            sha256=proven.sha256,
            path=file.path,
            clock=register.clock,
            captures_planned=register.captures_planned,
            captures_taken=register.captures_taken,
            rule_share=None if register.rule is None else register.rule.share,
            register_flags=" ".join(register.register_flags),
            held=None if confirmed is None else confirmed.held,
            awaits=awaits_confirmation(register),
            is_counted=is_counted(register),
            **{name: stands.count(name) for name in STANDINGS},  # type: ignore[arg-type]
        )

    def _changes(self, register: Register) -> list[SignedChange]:
        key = {"school": self.school, "lesson_id": register.lesson.lesson_id}
        found = [
            SignedChange(
                **key,
                number=number,
                student_id=one.student_id,
                verdict=one.verdict,
                by=one.by,
                title=one.title or "",
                reason=one.reason_code or one.reason,
                at=one.at,
            )
            for number, one in enumerate(register.corrections)
        ]
        if (confirmed := register.confirmed) is not None:
            word = "held" if confirmed.held else "not_held"
            found.append(SignedChange(**key, number=_CONFIRMATION, verdict=word, by=confirmed.by, at=confirmed.at))
        return found

    def _revision(self, file: TreeFile, proven: ProvenDocument) -> Revision:
        register = proven.document.register
        return Revision(
            school=self.school,
            lesson_id=register.lesson.lesson_id,
            revision=register.revision,
            device=self.device,
            sha256=proven.sha256,
            previous_sha256=proven.document.previous_sha256 or "",
            seed_sha256=register.plan.seed_sha256,
            path=file.path,
            found_at=self.now,
        )

    def _store_commitments(self, batch: Sequence[Examined]) -> None:
        for examined in batch:
            proven = examined.finding
            if not isinstance(proven, ProvenCommitment) or self._stray(examined):
                continue
            one = proven.commitment
            Commitment.objects.update_or_create(
                school=self.school,
                device=self.device,
                ref=one.ref,
                defaults={"at": one.at, "sha256": proven.sha256, "previous_sha256": one.previous_sha256 or ""},
            )
            ids = [plan.lesson_id for plan in one.plans_committed]
            known = {row.lesson_id: row for row in Promise.objects.filter(school=self.school, lesson_id__in=ids)}
            for plan in one.plans_committed:
                old = known.get(plan.lesson_id)
                if old is not None and _is_better(old.at, old.start, one.at, plan.start):
                    continue
                Promise.objects.update_or_create(
                    school=self.school,
                    lesson_id=plan.lesson_id,
                    defaults={
                        "device": self.device,
                        "start": plan.start,
                        "end": plan.end,
                        "captures_planned": plan.captures_planned,
                        "seed_sha256": plan.seed_sha256,
                        "at": one.at,
                    },
                )

    def _source(self, one: Examined) -> Source:
        finding = one.finding
        if isinstance(finding, LeftOut):
            key = finding.signed_by
        elif isinstance(finding, ProvenDocument):
            key = str(finding.document.public_key)
        else:
            key = finding.commitment.public_key
        return Source(
            school=self.school,
            path=one.file.path,
            folder=self.folder,
            changed_ns=one.file.changed_ns,
            size_bytes=one.file.size_bytes,
            signed_by=key,
            is_believed=not isinstance(finding, LeftOut),
        )

    def _problem(self, path: str, what: str) -> None:
        Problem.objects.update_or_create(
            school=self.school,
            where=path,
            kind="document",
            defaults={"device": self.device, "what": what, "is_left_out": True},
        )


def is_counted(register: Register) -> bool:
    """Return whether a register counts towards anybody's attendance."""
    return register.lesson.origin == "timetable" and not is_cancelled(register)


_COUNTS: Final = ", ".join(f"SUM(CASE WHEN standing = '{name}' THEN 1 ELSE 0 END)" for name in STANDINGS)
TALLY: Final = (
    # Grouped by an expression: by the bare column SQLite walks all marks of the school in the order of an index.
    f"INSERT INTO {DayTally._meta.db_table} (school, day, course, student_id, {', '.join(STANDINGS)}) "  # noqa: S608
    f"SELECT MIN(school), MIN(day), MIN(course), student_id || '', {_COUNTS} FROM {Mark._meta.db_table} "
    "WHERE school = %s AND day = %s AND course = %s AND month = %s AND is_counted GROUP BY student_id || ''"
)
"""Tallies a day and course; parameters: school, day, course, month."""


def tally_days(school: str, touched: Iterable[tuple[date, str]]) -> None:
    """Rebuild the tallies of these days and courses from the marks."""
    old = f"DELETE FROM {DayTally._meta.db_table} WHERE school = %s AND day = %s AND course = %s"  # noqa: S608
    with connection.cursor() as cursor:
        for day, course in touched:
            key = [school, connection.ops.adapt_datefield_value(day), course]
            cursor.execute(old, key)
            cursor.execute(TALLY, [*key, month_of(day)])


def delete_marks(school: str, lessons: Iterable[tuple[int, str]]) -> None:
    """Delete the marks of lessons, given by month and id: the key of a mark begins with both."""
    by_month: dict[int, list[str]] = {}
    for month, lesson_id in lessons:
        by_month.setdefault(month, []).append(lesson_id)
    for month, ids in by_month.items():
        for start in range(0, len(ids), _PART):
            Mark.objects.filter(school=school, month=month, lesson_id__in=ids[start : start + _PART]).delete()


def forget(school: str, device: str, folder: str) -> None:
    """Remove everything of a device from the tables, in one transaction, because its key is no longer pinned."""
    with transaction.atomic():
        mine: dict[str, Any] = {"school": school, "device": device}
        touched = set(Lesson.objects.filter(**mine).values_list("day", "course"))
        places = list(Lesson.objects.filter(**mine).values_list("month", "lesson_id"))
        delete_marks(school, places)
        for start in range(0, len(places), _PART):
            ids = [lesson_id for _, lesson_id in places[start : start + _PART]]
            SignedChange.objects.filter(school=school, lesson_id__in=ids).delete()
        for model in (Lesson, Revision, Commitment, Promise, Problem):
            model.objects.filter(**mine).delete()
        Source.objects.filter(school=school, folder=folder).delete()
        tally_days(school, touched)


def _is_better(old_at: datetime, old_start: datetime, new_at: datetime, new_start: datetime) -> bool:
    """Return whether the old promise about a lesson stays, and the new one is ignored.

    The latest promise that was signed before its lesson began stays. One that was signed later never replaces it.
    """
    return (old_at <= old_start, old_at) >= (new_at <= new_start, new_at)
