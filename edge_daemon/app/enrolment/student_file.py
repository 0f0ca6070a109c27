"""Writes everything that this device keeps about one student, for the student or a parent; it names no one else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.register_database import opened_register
from edge_daemon.app.enrolment.student_page import page_of
from edge_daemon.attendance.document import from_json
from edge_daemon.attendance.export import write_whole
from edge_daemon.attendance.reason_codes import in_words
from edge_daemon.attendance.rule import was_looked_for
from edge_daemon.errors import GalleryError
from edge_daemon.gallery.notes import CorrectionNote, read_notes
from edge_daemon.gallery.photograph_details import PhotographDetails
from edge_daemon.gallery.phrases import phrase_summary
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import lessons, outbox_items, registers
from edge_daemon.store.check_ins import check_ins_of
from edge_daemon.store.removed_registers import removed_lessons
from edge_daemon.store.still_faces import still_faces_of
from edge_daemon.timestamps import written
from edge_daemon.types import Register, Verdict

Fields = dict[str, Any]

SCHEMA = 1


def write_student_file(home: Home, student_id: str, output: Path, now: datetime) -> None:
    """Write everything about a student to a file; an existing file is replaced.

    Args:
        home: the installation.
        student_id: the id of a student who is in the gallery or on a register.
        output: the path, which ends in .html or .json.
        now: the time, which is written into the file.

    Raises:
        GalleryError: the path has another ending, or nobody has this id here.
        StoreError: a database can't be read, or the file can't be written.
        KeyFileError: there is no device key.
    """
    if output.suffix.lower() not in (".html", ".json"):
        raise GalleryError("the file's ending is not supported", str(output), "use .html or .json")
    fields = student_fields(home, student_id, now)
    if output.suffix.lower() == ".json":
        text = json.dumps(fields, ensure_ascii=False, indent=1)
    else:
        text = page_of(fields, ZoneInfo(home.config.device.time_zone))

    def write(part: Path) -> None:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")

    write_whole(output, write)


def student_fields(home: Home, student_id: str, now: datetime) -> Fields:
    """Return everything about a student as in the JSON file; raises the errors of `write_student_file`."""
    with opened_gallery(home) as store, opened_register(home) as db:
        known = student_id in store.student_ids()
        notes = read_notes(store, student_id=student_id) if known else []
        fields: Fields = {
            "schema": SCHEMA,
            "student_id": student_id,
            "device": home.config.device.name,
            "written_at": written(now.replace(microsecond=0)),
            "enrolment": _enrolment(store, student_id) if known else None,
            "registers": _registers(db, student_id, notes) if db is not None else [],
            "check_ins": [written(at) for at in check_ins_of(db, student_id)] if db is not None else [],
            "messages": _messages(db, student_id) if db is not None else [],
            "delivered_to": _receivers(home),
            "deleted_after_days": {
                "sightings": home.config.storage.keep_sightings_days,
                "enrolment_after_leaving": home.config.storage.keep_leavers_days,
                "registers": home.config.storage.keep_registers_days or None,
            },
            "lessons_removed_here": len(removed_lessons(db)) if db is not None else 0,
        }
    if not known and not fields["registers"]:
        raise GalleryError("no such student", f"student {student_id}", "see `edge-daemon enrol list`")
    return fields


def _enrolment(store: GalleryStore, student_id: str) -> Fields:
    record = store.record(student_id)
    student = record.student
    return {
        "name": student.name,
        "email": student.email,
        "guardian_email": student.guardian_email,
        "consent": student.consent,
        "courses": list(student.courses),
        "on_roster": record.on_roster,
        "further_columns": dict(record.extra),
        "photographs": [
            {"face_width_px": round(float(widths[0])), "vectors": len(widths), **_details(details)}
            for widths, details in zip(
                store.template_widths(student_id), store.photograph_details(student_id), strict=True
            )
        ],
        "spoken_phrase": phrase_summary(store, student_id),
        "students_who_look_alike": sum(student_id in pair for pair in store.look_alikes()),
    }


def _details(details: PhotographDetails | None) -> Fields:
    """Return when a photograph was read and its quality; null if an earlier release did not store them."""
    return {
        "read_at": written(details.read_at) if details else None,
        "sharpness": details.sharpness if details else None,
        "head_turn_deg": details.yaw_deg if details else None,
    }


def _registers(db: sqlite_utils.Database, student_id: str, notes: list[CorrectionNote]) -> list[Fields]:
    found: list[Fields] = []
    for stored in registers.latest_registers(db):
        register = from_json(stored.document).register
        verdict = next((one for one in register.verdicts if one.tally.student_id == student_id), None)
        seen = [one for one in lessons.sightings(db, stored.lesson_id) if one.student_id == student_id]
        still = still_faces_of(db, stored.lesson_id, student_id)
        if verdict is None and student_id not in register.guests and not seen and not still:
            continue
        found.append(
            {
                **_lesson(register),
                "guest": student_id in register.guests,
                **(_verdict(register, verdict) if verdict is not None else {}),
                "corrections": _corrections(register, student_id, notes),
                "sightings": [
                    {
                        "slot": one.slot,
                        "similarity": round(one.similarity, 4),
                        "facing_the_front": one.attentive,
                        "box_px": [one.box.x, one.box.y, one.box.w, one.box.h],
                    }
                    for one in seen
                ],
                "still_faces_px": [[box.x, box.y, box.w, box.h] for box in still],
                "delivered": _delivered(db, stored.lesson_id),
            }
        )
    return found


def _lesson(register: Register) -> Fields:
    lesson = register.lesson
    return {
        "lesson_id": lesson.lesson_id,
        "revision": register.revision,
        "course": lesson.course,
        "start": written(lesson.start),
        "end": written(lesson.end),
        "captures_taken": register.captures_taken,
    }


def _verdict(register: Register, verdict: Verdict) -> Fields:
    tally = verdict.tally
    return {
        "verdict": verdict.verdict,
        "looked_for": was_looked_for(register, verdict),
        "captures_seen": tally.captures_seen,
        "captures_attentive": tally.captures_attentive,
        "share": round(verdict.share, 6),
        "flags": list(verdict.flags),
        "checked_in_at": written(verdict.checked_in_at) if verdict.checked_in_at else None,
        "first_seen": written(tally.first_seen) if tally.first_seen else None,
        "last_seen": written(tally.last_seen) if tally.last_seen else None,
    }


def _corrections(register: Register, student_id: str, notes: list[CorrectionNote]) -> list[Fields]:
    about = {(note.lesson_id, note.at): note.text for note in notes}
    return [
        {
            "verdict": one.verdict,
            "by": one.by,
            "at": written(one.at),
            "reason": in_words(one.reason),
            "note": about.get((register.lesson.lesson_id, one.at)),
        }
        for one in register.corrections
        if one.student_id == student_id
    ]


def _delivered(db: sqlite_utils.Database, lesson_id: str) -> list[Fields]:
    """Return the deliveries of documents about the whole lesson; these documents also name the student."""
    return [_item(one) for one in outbox_items.of_lesson(db, lesson_id) if not one.student_id]


def _messages(db: sqlite_utils.Database, student_id: str) -> list[Fields]:
    return [
        {**_item(one), "lesson_id": one.lesson_id or None}
        for one in outbox_items.listed(db, outbox_items.STATES)
        if one.student_id == student_id
    ]


def _item(one: outbox_items.Item) -> Fields:
    return {
        "kind": one.kind,
        "by": one.destination,
        "state": one.state,
        "written_at": written(one.created_at),
        "settled_at": written(one.settled_at) if one.settled_at else None,
    }


def _receivers(home: Home) -> Mapping[str, str | None]:
    """Return the address of each receiver, by the receiver's name in the field `by`; null if the settings name none."""
    config = home.config
    return {"upstream": config.upstream.url or None, "mail": config.mail.host or None}
