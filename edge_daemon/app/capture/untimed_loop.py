"""Takes pictures without a trusted time, until asked to stop."""

from __future__ import annotations

import logging

from edge_daemon.app.capture.comparer import Comparer
from edge_daemon.app.capture.loop import BEAT_S, WARM_UP_S, LiveCamera, LoopContext
from edge_daemon.app.capture.untimed_sessions import drawn_wait_s, lesson_place_of
from edge_daemon.app.capture.worker_report import Report
from edge_daemon.attendance import candidate_codec
from edge_daemon.errors import CameraError, DamageError, StoreError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store.untimed import UntimedCapture, add_untimed, untimed_captures

logger = logging.getLogger(__name__)


class UntimedLoop:
    """Takes a picture at a random instant of every span of 27 s, and stores the sealed candidates of its faces.

    Args:
        db: register.sqlite.
        gallery: seals candidates.
        comparer: finds and compares faces.
        camera: takes pictures.
        device: name of the device.
        context: clock, stop signal and reports.
    """

    def __init__(
        self,
        db: sqlite_utils.Database,
        gallery: GalleryStore,
        comparer: Comparer,
        camera: LiveCamera,
        device: str,
        context: LoopContext,
    ) -> None:
        self._db, self._gallery, self._comparer, self._camera = db, gallery, comparer, camera
        self._device, self._context = device, context

    def go(self) -> None:
        """Take pictures until asked to stop."""
        boot_id = self._context.clock.reading().boot_id
        number = sum(c.boot_id == boot_id for c in untimed_captures(self._db))
        while self._wait():
            if self._take(number):
                number += 1

    def _wait(self) -> bool:
        clock = self._context.clock
        now_s = clock.reading().boottime_s
        due_s = now_s + drawn_wait_s(now_s)
        prepared = False
        while not self._context.stopping():
            left_s = due_s - clock.reading().boottime_s
            if left_s <= 0:
                return True
            if left_s <= WARM_UP_S and not prepared:
                self._camera.prepare(0)
                prepared = True
            self._context.report(Report("waiting", camera_fault=self._camera.fault))
            clock.wait(min(left_s if prepared else left_s - WARM_UP_S, BEAT_S), self._context.wake)
        return False

    def _take(self, number: int) -> bool:
        """Take a picture and store its candidates; return whether this worked."""
        reading = self._context.clock.reading()
        session, slot = lesson_place_of(self._device, reading.boot_id, number)
        try:
            if reason := self._context.no_room():
                raise StoreError(reason)
            found = self._comparer.candidates(slot, self._camera.capture(slot).picture)
            plain = candidate_codec.pack(found, self._comparer.student_ids)
            sealed = self._gallery.seal_candidates(session, slot, plain)
            candidate_rows.put_candidates(self._gallery.db, session, slot, sealed)
            add_untimed(self._db, UntimedCapture(session, slot, reading.boot_id, reading.boottime_s, reading.utc))
        except DamageError:
            raise  # this is permanent: the next start restores the database
        except (CameraError, StoreError) as error:
            logger.info("capture missed", extra={"reason": error.what})
            self._context.report(Report("missed", slot, error.what, camera_fault=self._camera.fault))
            return False
        self._context.report(Report("taken", slot))
        return True
