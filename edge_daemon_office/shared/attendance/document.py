"""The register as a document: canonical JSON, described by docs/register.schema.json.

Canonical means RFC 8785 (JCS) for the values that occur here: sorted keys, no blanks, UTF-8 without escapes. Numbers
are integers, or shares rounded to six decimals, which Python and ECMAScript write alike. The same register always gives
the same bytes, so anybody can verify its SHA-256 and signature.

Each document has the SHA-256 of the previous one. For a correction this is the previous revision, for a first revision
the device's previous register. A register that is removed or changed later breaks the chain. Every document is signed
when it is made. Older forms are read and written unchanged. Form 1 was not signed and has no `public_key` and no
`attendance_event`; form 2 has none of the keys of `schema3.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from edge_daemon_office.shared.attendance import schema3
from edge_daemon_office.shared.attendance.edfi import attendance_event, attendance_event_of_form_2
from edge_daemon_office.shared.attendance.fields import Json, ObjectReader, json_object
from edge_daemon_office.shared.device.signing import Signer, canonical, signed
from edge_daemon_office.shared.timestamps import written
from edge_daemon_office.shared.types import (
    CapturePlan,
    ClockState,
    Correction,
    Flag,
    Lesson,
    MissedCapture,
    Origin,
    Register,
    Tally,
    Verdict,
    VerdictName,
)

SCHEMA: Final = 3
"""Version of the document's form; later versions only add keys."""
KIND: Final = "register document"
MOST_REVISIONS: Final = 10_000
"""Highest plausible revision; a register is corrected only a few times."""
_SIGNED_SCHEMA: Final = 2
_UNSIGNED_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Document:
    """A register with its links in the device's ledger."""

    register: Register
    """The register without the plan's instants, which follow from the seed (edge_daemon/lesson/plan.py)."""
    previous_sha256: str | None
    public_key: str | None
    """Public key of the signing device, hexadecimal; None if the release that made the document did not sign."""
    signature: str | None
    schema: int = field(default=SCHEMA, compare=False)
    """Version of the form in which the document was made."""


def sign(register: Register, previous_sha256: str | None, signer: Signer) -> str:
    """Return the signed canonical JSON of a register that joins the device's ledger."""
    return signed(_fields(Document(register, previous_sha256, signer.public_key, None)), signer)


def to_json(document: Document) -> str:
    """Return the canonical JSON of a document, as it was signed."""
    return canonical(_fields(document))


def _fields(document: Document) -> dict[str, Json]:
    register, lesson = document.register, document.register.lesson
    schema = _UNSIGNED_SCHEMA if document.public_key is None else document.schema
    fields: dict[str, Json] = {
        "schema": schema,
        "lesson_id": lesson.lesson_id,
        "revision": register.revision,
        "origin": lesson.origin,
        "device": lesson.device,
        "course": lesson.course,
        "start": written(lesson.start),
        "end": written(lesson.end),
        "clock": register.clock,
        "seed": register.plan.seed.hex(),
        "seed_sha256": register.plan.seed_sha256,
        "captures_planned": register.captures_planned,
        "captures_taken": register.captures_taken,
        "missed": [{"slot": missed.slot, "reason": missed.reason} for missed in register.missed],
        "students": [_student(verdict, schema) for verdict in register.verdicts],
        "guests": list(register.guests),
        "unknown_faces": register.unknown_faces,
        "models": dict(register.models),
        "corrections": [_correction(one, schema) for one in register.corrections],
        "previous_sha256": document.previous_sha256,
        "signature": document.signature,
    }
    if schema >= _SIGNED_SCHEMA:
        fields["public_key"] = document.public_key
    return {**fields, **schema3.register_fields(register)} if schema >= SCHEMA else fields


def from_json(text: str) -> Document:
    """Return the document in a text; keys of later versions are ignored.

    Raises:
        RegisterError: the text is not a register document.
    """
    return from_fields(json_object(text, KIND))


def from_fields(fields: Mapping[str, object]) -> Document:
    """Return the document in a parsed text; raises RegisterError like `from_json`."""
    top = ObjectReader(fields, KIND)
    schema = top.whole("schema")
    lesson = Lesson(
        lesson_id=top.text("lesson_id"),
        device=top.text("device"),
        course=top.text("course"),
        start=top.time("start"),
        end=top.time("end"),
        origin=cast(Origin, top.choice("origin", Origin)),
    )
    register = Register(
        lesson=lesson,
        revision=top.whole("revision", MOST_REVISIONS),
        clock=cast(ClockState, top.choice("clock", ClockState)),
        plan=CapturePlan(lesson.lesson_id, top.hexadecimal("seed"), top.text("seed_sha256"), ()),
        captures_planned=top.whole("captures_planned"),
        captures_taken=top.whole("captures_taken"),
        missed=tuple(MissedCapture(one.whole("slot"), one.text("reason")) for one in top.objects("missed")),
        verdicts=tuple(_verdict_of(one, schema) for one in top.objects("students")),
        guests=top.texts("guests"),
        unknown_faces=top.whole("unknown_faces"),
        models=top.text_map("models"),
        corrections=tuple(_correction_of(one, schema) for one in top.objects("corrections")),
    )
    if schema >= SCHEMA:
        register = schema3.with_register_fields(register, top)
    previous, key, signature = (top.optional_text(name) for name in ("previous_sha256", "public_key", "signature"))
    return Document(register, previous, key, signature, schema)


def _student(verdict: Verdict, schema: int) -> dict[str, Json]:
    tally, share = verdict.tally, round(verdict.share, 6)
    fields: dict[str, Json] = {
        "student_id": tally.student_id,
        "frames_seen": tally.captures_seen,
        "frames_attentive": tally.captures_attentive,
        "share": int(share) if share in (0, 1) else share,
        "verdict": verdict.verdict,
        "flags": list(verdict.flags),
        "first_seen": None if tally.first_seen is None else written(tally.first_seen),
        "last_seen": None if tally.last_seen is None else written(tally.last_seen),
    }
    if schema >= SCHEMA:
        return {**fields, "attendance_event": attendance_event(verdict), **schema3.student_fields(verdict)}
    if schema == _SIGNED_SCHEMA:
        fields["attendance_event"] = attendance_event_of_form_2(verdict)
    return fields


def _verdict_of(one: ObjectReader, schema: int) -> Verdict:
    tally = Tally(
        one.text("student_id"),
        one.whole("frames_seen"),
        one.whole("frames_attentive"),
        one.optional_time("first_seen"),
        one.optional_time("last_seen"),
    )
    verdict = cast(VerdictName, one.choice("verdict", VerdictName))
    found = Verdict(tally, one.share("share"), verdict, cast("tuple[Flag, ...]", one.texts("flags")))
    return schema3.with_student_fields(found, one) if schema >= SCHEMA else found


def _correction(correction: Correction, schema: int) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "student_id": correction.student_id,
        "verdict": correction.verdict,
        "by": correction.by,
        "reason": correction.reason,
        "at": written(correction.at),
    }
    if schema >= SCHEMA:
        fields |= {"reason_code": correction.reason_code, "title": correction.title}
    return fields


def _correction_of(one: ObjectReader, schema: int) -> Correction:
    verdict = cast(VerdictName, one.choice("verdict", VerdictName))
    found = Correction(one.text("student_id"), verdict, one.text("by"), one.text("reason"), one.time("at"))
    if schema < SCHEMA:
        return found
    return replace(found, reason_code=one.optional_text("reason_code"), title=one.optional_text("title"))
