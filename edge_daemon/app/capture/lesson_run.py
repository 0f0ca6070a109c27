"""One lesson: turns pictures into faces, faces into candidates, and candidates into a register."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from edge_daemon import __version__
from edge_daemon.app.capture.comparer import Comparer
from edge_daemon.app.capture.missed_reasons import UNREADABLE
from edge_daemon.app.capture.room_flags import RoomFlags
from edge_daemon.app.notices.outbox_rows import lenient_outbox_writer, outbox_writer
from edge_daemon.app.registers.own_documents import watch
from edge_daemon.attendance import candidate_codec
from edge_daemon.attendance.capture_map import with_capture_maps
from edge_daemon.attendance.checked_in import EARLY, checked_in_unseen, with_check_ins
from edge_daemon.attendance.confirmation import question
from edge_daemon.attendance.document import sign
from edge_daemon.attendance.evidence.mask_counts import mask_counts
from edge_daemon.attendance.evidence.match_probability import MatchProbability
from edge_daemon.attendance.evidence.presence import presence_probabilities
from edge_daemon.attendance.evidence.sighting_resolver import Resolution, resolve_lesson
from edge_daemon.attendance.hidden_faces import hidden_at_their_seats
from edge_daemon.attendance.resembled import resemblances
from edge_daemon.attendance.rule import LessonSummary, Rule, decide, needed_captures, rule_of
from edge_daemon.attendance.tally import guests, tally, unknown_faces
from edge_daemon.config import Config
from edge_daemon.device.clock import Reading
from edge_daemon.device.heap import return_free_pages
from edge_daemon.device.signing import Signer
from edge_daemon.errors import CandidateFormatError, GalleryError
from edge_daemon.gallery.enrolment_dates import is_expected
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store import lessons, room_history
from edge_daemon.store.check_ins import first_check_ins
from edge_daemon.store.still_faces import earlier_still_faces, keep_still_faces
from edge_daemon.types import (
    AppliedRule,
    Candidate,
    CapturePlan,
    ClockState,
    Frame,
    Lesson,
    MissedCapture,
    Register,
    Sighting,
)
from edge_daemon.vision.models import ModelSet

logger = logging.getLogger(__name__)

_TRUST: tuple[ClockState, ...] = ("unsynchronised", "rtc", "synchronised")
"""Clock states from worst to best. A register's clock state is the worst of its captures."""


class LessonRun:
    """One lesson from its first capture to its register; may continue after a restart.

    Args:
        config: the settings.
        register_db: register.sqlite.
        gallery: students and templates.
        models: verified model files.
        lesson: the lesson.
        plan: the capture plan of the lesson.
        captures_planned: the number of slots.
        clock: how far the time can be trusted.
        signer: signs the register.
        takes_pictures: False for a past lesson, whose register is made without loading a network.
        door_faces: the folder of faces that the check-in at the door keeps. None if there are none.
    """

    def __init__(
        self,
        config: Config,
        register_db: sqlite_utils.Database,
        gallery: GalleryStore,
        models: ModelSet,
        lesson: Lesson,
        plan: CapturePlan,
        captures_planned: int,
        clock: ClockState,
        signer: Signer,
        *,
        takes_pictures: bool = True,
        door_faces: Path | None = None,
    ) -> None:
        self._config, self._db, self._gallery, self._models = config, register_db, gallery, models
        self._signer = signer
        self._lesson, self._plan, self._planned, self._clock = lesson, plan, captures_planned, clock
        door = (door_faces, lesson.start - EARLY) if door_faces else None
        self._comparer = Comparer(
            config, gallery, models, captures=captures_planned, takes_pictures=takes_pictures, door=door
        )
        lessons.start_lesson(register_db, lesson, plan, clock, captures_planned)
        self._candidates = self._stored_candidates()
        self._watch = RoomFlags(register_db, lesson)
        self._earlier_still = earlier_still_faces(register_db, lesson)
        self._poorly_photographed = gallery.poorly_photographed()  # read now, while the templates are open
        self._match = MatchProbability(models.weights("match_probability").path)

    @property
    def register_db(self) -> sqlite_utils.Database:
        """The database register.sqlite."""
        return self._db

    @property
    def settled_slots(self) -> frozenset[int]:
        """The slots that have a picture or a reason for a missed one."""
        taken = {capture.slot for capture in lessons.captures(self._db, self._lesson.lesson_id)}
        return frozenset(taken | {m.slot for m in lessons.missed_captures(self._db, self._lesson.lesson_id)})

    def take(self, frame: Frame, reading: Reading | None = None) -> str:
        """Process one capture and commit it; return why it can't show the students, empty if the capture counts.

        Args:
            frame: the picture. If its slot has a picture already, the new one replaces it, and the slot counts once.
            reading: the clock when the picture was taken; None in a rehearsal.

        Raises:
            StoreError: the capture can't be written, and nothing of it counts.
        """
        return_free_pages()
        found = self._comparer.candidates(frame.slot, frame.picture)
        reason, view = self._watch.look(frame.picture, found, self._comparer.thumbnail)
        if reason:
            self.miss(MissedCapture(frame.slot, reason))
            return reason
        sealed = self._gallery.seal_candidates(
            self._lesson.lesson_id, frame.slot, candidate_codec.pack(found, self._comparer.student_ids)
        )
        candidate_rows.put_candidates(self._gallery.db, self._lesson.lesson_id, frame.slot, sealed)
        capture = lessons.Capture(frame.slot, frame.name, frame.taken_at)
        if reading is not None:
            capture = replace(capture, clock=reading.state, boot_id=reading.boot_id, boottime_s=reading.boottime_s)
        lessons.add_capture(self._db, self._lesson.lesson_id, capture, view)
        self._watch.taken(frame.slot, view)
        self._candidates[frame.slot] = found
        return ""

    def miss(self, missed: MissedCapture) -> None:
        """Record that a slot has no picture, and why."""
        lessons.add_missed(self._db, self._lesson.lesson_id, missed)
        logger.info(
            "capture missed",
            extra={"lesson_id": self._lesson.lesson_id, "slot": missed.slot, "reason": missed.reason},
        )

    @property
    def taken_count(self) -> int:
        """Number of captures that count so far."""
        return len(self._candidates)

    def provisional(self) -> dict[str, tuple[int, int]]:
        """Return the counts as if the lesson ended now: (seen, attentive) frames by student id."""
        sightings = self._resolved(self._gallery.look_alikes()).sightings
        slots = dict.fromkeys(self._candidates, self._lesson.start)
        return {
            t.student_id: (t.captures_seen, t.captures_attentive) for t in tally(self._students(), sightings, slots)
        }

    def finalise(
        self, *, deliver_rehearsal: bool = False, in_timetable: bool = True
    ) -> tuple[Register, list[Sighting]]:
        """Decide who was there, write the register and its outbox rows, and erase the candidates.

        Args:
            deliver_rehearsal: True if a rehearsal has to be delivered, too.
            in_timetable: False if the timetable no longer has the lesson; the office then has to confirm that it was
                held.
        """
        look_alikes = self._gallery.look_alikes()
        resolution = self._resolved(look_alikes)
        sightings = resolution.sightings
        register, scene = self._decide(resolution, look_alikes)
        if not in_timetable:
            register = replace(question(register), revision=register.revision)
        lessons.finalise(
            self._db,
            self._lesson.lesson_id,
            sightings,
            lambda previous: sign(register, previous, self._signer),
            datetime.now(timezone.utc),
            outbox_writer(self._config, rehearsals=True) if deliver_rehearsal else lenient_outbox_writer(self._config),
        )
        room_history.keep_scene(self._db, self._lesson.lesson_id, scene)
        if self._lesson.origin == "timetable":
            keep_still_faces(self._db, self._lesson.lesson_id, resolution.still)
        candidate_rows.erase_candidates(self._gallery.db, self._lesson.lesson_id)
        self._comparer.erase_door_faces(self._lesson.end - EARLY)  # a later one may be for the next lesson
        if watch(self._db, self._signer, datetime.now(timezone.utc)):  # a changed ledger does not stop the register
            logger.warning("ledger changed", extra={"lesson_id": self._lesson.lesson_id})
        logger.info(
            "lesson finalised",
            extra={"lesson_id": self._lesson.lesson_id, "captures_taken": register.captures_taken},
        )
        return register, sightings

    def abandon(self) -> None:
        """Forget a lesson that must not have a register."""
        lessons.discard_lesson(self._db, self._lesson.lesson_id)
        candidate_rows.erase_candidates(self._gallery.db, self._lesson.lesson_id)
        self._comparer.erase_door_faces(self._lesson.end - EARLY)

    def _stored_candidates(self) -> dict[int, list[Candidate]]:
        """Return the candidates stored before a restart, by slot.

        A capture whose candidates can't be read becomes missed.
        """
        lesson_id = self._lesson.lesson_id
        # Candidates are written before their capture. If the power failed between the two, the capture does not exist.
        taken = {capture.slot for capture in lessons.captures(self._db, lesson_id)}
        found = {}
        for slot, sealed in candidate_rows.candidates(self._gallery.db, lesson_id).items():
            if slot not in taken:
                continue
            try:
                plain = self._gallery.open_candidates(lesson_id, slot, sealed)
                found[slot] = candidate_codec.unpack(slot, plain, self._comparer.student_ids)
            except (CandidateFormatError, GalleryError) as error:
                reason = error.what if isinstance(error, CandidateFormatError) else UNREADABLE
                lessons.capture_to_missed(self._db, lesson_id, MissedCapture(slot, reason))
                logger.error("capture missed", extra={"lesson_id": lesson_id, "slot": slot, "reason": reason})
        return found

    def _resolved(self, look_alikes: Collection[tuple[str, str]]) -> Resolution:
        everything = [c for slot in sorted(self._candidates) for c in self._candidates[slot]]
        found = resolve_lesson(
            everything,
            self._comparer.student_ids,
            look_alikes,
            match=self._match,
            photographs=self._comparer.photographs,
            expected=self._students(),
            seconds_of=self._seconds_of(),
            earlier_still=self._earlier_still,
        )
        # A student who was removed or withdrew consent during the lesson counts as unknown.
        assessed = self._assessed()
        return Resolution(
            [s if s.student_id in assessed else replace(s, student_id="") for s in found.sightings],
            [person for person in found.unnamed if person.student_id in assessed],
            [person for person in found.possible if person.student_id in assessed],
            found.unread,
            found.persons,
            [picture for picture in found.printed if picture.student_id in assessed],
            [(student_id, box) for student_id, box in found.still if student_id in assessed],
        )

    def _seconds_of(self) -> dict[int, float]:
        """Return the seconds from the lesson's start to each capture, by slot; in a rehearsal, the planned seconds."""
        if self._lesson.origin == "rehearsal":
            return dict(enumerate(self._plan.offsets_s))
        captures = lessons.captures(self._db, self._lesson.lesson_id)
        return {capture.slot: (capture.taken_at - self._lesson.start).total_seconds() for capture in captures}

    def _assessed(self) -> set[str]:
        consenting = {e.student_id for e in self._gallery.enrolments() if e.consent}
        return consenting & set(self._comparer.student_ids)

    def _students(self) -> list[str]:
        day = self._lesson.start.astimezone(ZoneInfo(self._config.device.time_zone)).date()
        enrolments = self._gallery.enrolments()
        return sorted(e.student_id for e in enrolments if is_expected(e, self._lesson.course, day))

    def _decide(self, resolution: Resolution, look_alikes: Iterable[tuple[str, str]]) -> tuple[Register, bytes | None]:
        """Return the register, and the scene with which later lessons are compared."""
        sightings = resolution.sightings
        captures = lessons.captures(self._db, self._lesson.lesson_id)
        taken_at = {capture.slot: capture.taken_at for capture in captures}
        clock = min((c.clock for c in captures if c.clock), key=_TRUST.index, default=self._clock)
        ids, rule = self._students(), rule_of(self._config.rule)
        summary = LessonSummary(
            start=self._lesson.start,
            end=self._lesson.end,
            taken_at=tuple(sorted(taken_at.values())),
            captures_planned=self._planned,
            time_trusted=clock != "unsynchronised" or self._lesson.origin == "rehearsal",  # its time does not matter
        )
        tallies, assessed = tally(ids, sightings, taken_at), self._assessed()
        missed = tuple(lessons.missed_captures(self._db, self._lesson.lesson_id))
        room = self._watch.findings(tallies, assessed, sightings, len(captures), missed, rule.unusual_share)
        needed = needed_captures(rule.share, len(captures))
        probabilities = presence_probabilities(resolution.possible, ids, needed) if captures else {}
        check_ins = first_check_ins(self._db, self._lesson.start - EARLY, self._lesson.end)
        verdicts = decide(
            tallies,
            rule,
            summary,
            not_assessed=set(ids) - assessed,
            look_alikes=look_alikes,
            static_faces={picture.student_id for picture in resolution.printed},
            not_seeable=room.not_seeable | checked_in_unseen(tallies, check_ins),
            resembled=resemblances(resolution.unnamed, tallies, sightings, needed, probabilities),
            probabilities=probabilities,
            poor_photographs=self._poorly_photographed,
            hidden_faces=hidden_at_their_seats(resolution.unread, self._watch.places(sightings), tallies, needed),
        )
        register = Register(
            lesson=self._lesson,
            revision=1,
            clock=clock,
            plan=self._plan,
            captures_planned=self._planned,
            captures_taken=len(captures),
            missed=missed,
            verdicts=with_check_ins(with_capture_maps(verdicts, sightings, self._planned), check_ins),
            guests=guests(ids, sightings),
            unknown_faces=unknown_faces(sightings),
            models={role: card.sha256 for card in self._models.files for role in card.roles},
            corrections=(),
            rule=self._applied_rule(rule),
            register_flags=room.flags,
            mask=mask_counts(resolution.persons) if self._config.mask.enabled else None,
        )
        return register, room.scene

    def _applied_rule(self, rule: Rule) -> AppliedRule:
        return AppliedRule(
            share=float(rule.share),
            max_yaw_deg=self._config.attention.max_yaw_deg,
            min_captures_share=float(rule.min_captures_share),
            unusual_share=float(rule.unusual_share),
            program=__version__,
            models={role: card.name for card in self._models.files for role in card.roles},
        )
