"""The gallery on disk: students, sealed templates, look-alikes, and the candidates of the running lesson."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from edge_daemon.errors import GalleryError, KeyFileError
from edge_daemon.gallery import data_keys, erasure, photograph_details, slot_keys
from edge_daemon.gallery.photograph_details import PhotographDetails
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import gallery as tables
from edge_daemon.store.gallery import Erased, StudentRow, TemplateRow, Tombstone
from edge_daemon.types import EnrolmentPeriod, Student, StudentTemplates, Vector

if TYPE_CHECKING:  # it imports NumPy, which reading a roster does not need
    from edge_daemon.gallery.agreement import Exemplar


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """The identity of an embedder. Vectors of different embedders are never compared."""

    sha256: str
    preprocessing: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The data of a student on the roster that a lesson needs; none of it is sealed."""

    student_id: str
    consent: bool
    courses: tuple[str, ...]
    """The student's courses; empty if the student belongs to every course."""
    periods: tuple[EnrolmentPeriod, ...] = ()
    """The dates of the courses, as in `Student.periods`."""


@dataclass(frozen=True, slots=True)
class StudentRecord:
    """Everything that is stored about a student, except vectors."""

    student: Student
    extra: Mapping[str, str]
    """Further columns of the roster."""
    on_roster: bool
    photographs: int
    """Number of photographs with a template."""


class GalleryStore:
    """Reads and writes gallery.sqlite. Opening it erases again the data that a restored backup brought back.

    Args:
        db: the open gallery.sqlite.
        device_key: 32 bytes.

    Raises:
        GalleryError: the file of tombstones can't be read.
    """

    def __init__(self, db: sqlite_utils.Database, device_key: bytes) -> None:
        self.db, self._device_key = db, device_key
        erasure.apply_tombstones(db)

    def students(self) -> list[Student]:
        """Return the students of the roster, in its order.

        Raises:
            GalleryError: the students are sealed under another device key.
        """
        return [record.student for record in self.records() if record.on_roster]

    def enrolments(self) -> list[Enrolment]:
        """Return consent and courses of the students on the roster, in its order; names and addresses stay sealed."""
        rows = tables.student_rows(self.db)
        return [
            Enrolment(row.student_id, row.consent, row.courses, row.periods) for row in rows if row.position is not None
        ]

    def records(self) -> list[StudentRecord]:
        """Return all students: first those on the roster, then those who left it."""
        counts = tables.template_counts(self.db)
        return [self._record(row, counts.get(row.student_id, 0)) for row in tables.student_rows(self.db)]

    def templates(self, embedder: EmbedderId) -> list[StudentTemplates]:
        """Return the templates of the consenting students on the roster, in its order.

        Raises:
            GalleryError: another embedder made the templates, or they are sealed under another device key.
        """
        from edge_daemon.gallery import vector_codec

        plain, covered = self._opened_templates(embedder), self._opened_covers(embedder)
        return [vector_codec.student_templates(one, plain[one], covered.get(one, ())) for one in plain]

    def faces(self, embedder: EmbedderId, *, staying_of: frozenset[str] | None = None) -> Mapping[str, list[Vector]]:
        """Return one vector of length 1 for each photograph, by student: the face at its own size.

        Args:
            embedder: as for `templates`.
            staying_of: ids of students. If given, return only the vectors that an import from a folder keeps: those of
                pictures taken at a camera, and all vectors of these students. Vectors of another embedder are left out.

        Raises:
            GalleryError: as for `templates`.
        """
        from edge_daemon.gallery import vector_codec

        opened = self._opened_templates(embedder, staying_of)
        return {student_id: [vector_codec.own_size(one) for one in plain] for student_id, plain in opened.items()}

    def _opened_templates(
        self, embedder: EmbedderId, staying_of: frozenset[str] | None = None
    ) -> dict[str, list[bytes]]:
        keys = {row.student_id: row for row in tables.student_rows(self.db)}
        photographs: dict[str, list[bytes]] = {}
        for row in tables.template_rows(self.db):
            is_ours = (row.model_sha256, row.preprocessing) == (embedder.sha256, embedder.preprocessing)
            if staying_of is not None and not (
                is_ours and (row.student_id in staying_of or row.photograph.startswith(tables.CAPTURED))
            ):
                continue
            if not is_ours:
                raise GalleryError(
                    "the templates were made with another face model and can't be compared with this one",
                    "gallery",
                    "run `edge-daemon enrol import` again with the photographs",
                )
            plain = data_keys.open_sealed(
                self.data_key(keys[row.student_id]), row.sealed, _bound(row.student_id, embedder)
            )
            photographs.setdefault(row.student_id, []).append(plain)
        return photographs

    def _opened_covers(self, embedder: EmbedderId) -> dict[str, list[bytes]]:
        """Return the covered templates by student, without students who have none."""
        keys = {row.student_id: row for row in tables.student_rows(self.db)}
        found: dict[str, list[bytes]] = {}
        for row in tables.template_rows(self.db):
            if row.covered:
                bound = _bound_covers(row.student_id, embedder)
                plain = data_keys.open_sealed(self.data_key(keys[row.student_id]), row.covered, bound)
                found.setdefault(row.student_id, []).append(plain)
        return found

    def template_widths(self, student_id: str) -> list[Vector]:
        """Return the face widths (pixels) of each photograph's template, with the photograph's own width first.

        Raises:
            GalleryError: the templates are sealed under another device key, or the id is unknown.
        """
        from edge_daemon.gallery import vector_codec

        key, found = self.data_key(self.row(student_id)), list[Vector]()
        for row in tables.templates_of(self.db, student_id):
            bound = _bound(student_id, EmbedderId(row.model_sha256, row.preprocessing))
            plain = data_keys.open_sealed(key, row.sealed, bound)
            found.append(vector_codec.student_templates(student_id, [plain]).widths_px)
        return found

    def look_alikes(self) -> frozenset[tuple[str, str]]:
        """Return the pairs of students who look alike, each once, ids in ascending order."""
        return frozenset((pair.a, pair.b) for pair in tables.look_alikes(self.db))

    def student_ids(self) -> list[str]:
        """Return the ids of all students, including those who left the roster."""
        return [row.student_id for row in tables.student_rows(self.db)]

    def row(self, student_id: str) -> StudentRow:
        """Return a student as stored.

        Raises:
            GalleryError: the id is unknown.
        """
        for row in tables.student_rows(self.db):
            if row.student_id == student_id:
                return row
        raise GalleryError("no such student", f"student {student_id}", "see `edge-daemon enrol list`")

    def record(self, student_id: str) -> StudentRecord:
        """Return everything that is stored about one student.

        Raises:
            GalleryError: the id is unknown.
        """
        return self._record(self.row(student_id), tables.template_counts(self.db).get(student_id, 0))

    def remove(self, student_id: str, at: datetime, *, bars_return: bool = True) -> bool:
        """Erase a student from the gallery; see `erasure.remove`. It works without the right device key.

        Raises:
            GalleryError: the id is unknown.
        """
        return erasure.remove(self.db, self._device_key, self.row(student_id), at, bars_return=bars_return)

    def keyed_id(self, student_id: str) -> str:
        """Return a keyed hash of a student's id as a file name; without the device key nobody can compute it."""
        return data_keys.student_hash(self._device_key, student_id).removeprefix(data_keys.KEYED)

    def tombstone(self, row: StudentRow, erased: Erased, at: datetime) -> Tombstone:
        """Return the tombstone for everything that is sealed under this student's key."""
        return erasure.tombstone(self._device_key, row, erased, at)

    def removed_ids(self, student_ids: Iterable[str]) -> dict[str, datetime]:
        """Return which of the ids were removed, each with the time of the last removal."""
        return erasure.removed_ids(self.db, self._device_key, student_ids)

    def erase_sightings_again(self, register_db: sqlite_utils.Database) -> int:
        """Erase the sightings of removed students that a restored register.sqlite brought back; return how many."""
        return erasure.erase_sightings_again(self.db, self._device_key, register_db)

    def begin_slot_keys(self) -> None:
        """Create the first slot key of a gallery without students. One with students gets it at its first renewal.

        Raises:
            KeyFileError: the file of slots can't be written.
        """
        if not tables.key_generation(self.db) and not tables.student_rows(self.db):
            self.renew_slot_key()

    def renew_slot_key(self) -> int:
        """Wrap all data keys under a new slot key; see `slot_keys.renew`."""
        return slot_keys.renew(self.db, self._device_key)

    def new_key(self, student_id: str) -> bytes:
        """Return a new wrapped data key."""
        slot = slot_keys.current_key(self.db)
        return data_keys.wrap_key(self._device_key, data_keys.new_data_key(), student_id, slot)

    def data_key(self, row: StudentRow) -> bytes:
        """Return the data key of a student.

        Raises:
            GalleryError: the device key is another one, or the slot key is gone.
        """
        try:
            return self._unwrapped(row)
        except KeyFileError:
            now = self.row(row.student_id)  # an erasure in another process may have rewrapped it meanwhile
            try:
                return self._unwrapped(now)
            except KeyFileError as error:
                raise GalleryError(error.what, error.where, error.hint) from error

    def _unwrapped(self, row: StudentRow) -> bytes:
        return data_keys.unwrap_key(
            self._device_key,
            row.wrapped_key,
            row.student_id,
            lambda generation: slot_keys.slots_of(self.db).key(generation),
        )

    def sealed_student(
        self, student: Student, extra: Mapping[str, str], position: int | None, wrapped_key: bytes
    ) -> StudentRow:
        """Return a student in stored form: name, mail addresses and further columns are sealed."""
        row = StudentRow(
            student.student_id, position, student.courses, student.consent, b"", wrapped_key, student.periods
        )
        fields = {"name": student.name, "email": student.email, "guardian_email": student.guardian_email}
        plain = json.dumps([fields, dict(extra)], ensure_ascii=False).encode("utf-8", "surrogatepass")
        sealed = data_keys.seal(self.data_key(row), plain, data_keys.binding("fields", student.student_id))
        return replace(row, sealed=sealed)

    def sealed_template(
        self, row: StudentRow, embedder: EmbedderId, photograph: str, exemplar: Exemplar, at: datetime
    ) -> TemplateRow:
        """Return the template of one photograph in stored form.

        Args:
            row: the student.
            embedder: identity of the embedder that computed the vectors.
            photograph: keyed digest of the photograph.
            exemplar: the photograph as vectors, with its quality.
            at: when the photograph was read.
        """
        from edge_daemon.gallery import vector_codec

        key, student_id = self.data_key(row), row.student_id
        plain = vector_codec.packed(exemplar.vectors, exemplar.widths_px)
        sealed = data_keys.seal(key, plain, _bound(student_id, embedder))
        details = photograph_details.sealed(key, student_id, photograph, exemplar, at)
        row_covered = b""
        if exemplar.covered:
            plain = vector_codec.packed_covers(exemplar.covered)
            row_covered = data_keys.seal(key, plain, _bound_covers(student_id, embedder))
        return TemplateRow(
            student_id, photograph, sealed, embedder.sha256, embedder.preprocessing, details, row_covered
        )

    def photograph_details(self, student_id: str) -> list[PhotographDetails | None]:
        """Return the details of each photograph; None for one whose details an early release did not store.

        Raises:
            GalleryError: the details are sealed under another device key, or the id is unknown.
        """
        key = self.data_key(self.row(student_id))
        return [photograph_details.opened(key, row) for row in tables.templates_of(self.db, student_id)]

    def poorly_photographed(self) -> frozenset[str]:
        """Return the students of the roster whose photographs with templates are all out of focus.

        Raises:
            GalleryError: the details are sealed under another device key.
        """
        from edge_daemon.gallery.focus import LEAST_DETAIL

        found = set()
        for row in tables.student_rows(self.db):
            templates = tables.templates_of(self.db, row.student_id) if row.consent and row.position is not None else []
            key = self.data_key(row) if templates else b""
            details = [photograph_details.opened(key, one) for one in templates]
            if details and all(one and one.detail is not None and one.detail < LEAST_DETAIL for one in details):
                found.add(row.student_id)
        return frozenset(found)

    def seal_candidates(self, lesson_id: str, slot: int, plain: bytes) -> bytes:
        """Return the candidates of one capture, sealed under the running lesson's key."""
        bound = data_keys.binding("candidates", lesson_id, str(slot))
        return data_keys.seal(data_keys.lesson_key(self._device_key, lesson_id), plain, bound)

    def open_candidates(self, lesson_id: str, slot: int, sealed: bytes) -> bytes:
        """Return the candidates that `seal_candidates` sealed.

        Raises:
            GalleryError: they belong to another lesson, slot or device, or were changed.
        """
        bound = data_keys.binding("candidates", lesson_id, str(slot))
        return data_keys.open_sealed(data_keys.lesson_key(self._device_key, lesson_id), sealed, bound)

    def _record(self, row: StudentRow, photographs: int) -> StudentRecord:
        plain = data_keys.open_sealed(self.data_key(row), row.sealed, data_keys.binding("fields", row.student_id))
        fields, extra = json.loads(plain.decode("utf-8", "surrogatepass"))
        student = Student(
            row.student_id,
            fields["name"],
            fields["email"],
            fields["guardian_email"],
            row.consent,
            row.courses,
            row.periods,
        )
        return StudentRecord(student, extra, row.position is not None, photographs)


def _bound(student_id: str, embedder: EmbedderId) -> bytes:
    return data_keys.binding("template", student_id, embedder.sha256, str(embedder.preprocessing))


def _bound_covers(student_id: str, embedder: EmbedderId) -> bytes:
    return data_keys.binding("covered template", student_id, embedder.sha256, str(embedder.preprocessing))
