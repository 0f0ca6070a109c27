"""Taking pictures while nobody knows the time, until told to stop."""

from __future__ import annotations

import logging

import sqlite_utils

from edge_daemon.app.capture.comparer import Comparer
from edge_daemon.app.capture.loop import BEAT_S, WARM_UP_S, LiveCamera, Surroundings
from edge_daemon.app.capture.untimed_sessions import drawn_wait_s, place_of
from edge_daemon.app.capture.worker_report import Report
from edge_daemon.attendance import candidate_codec
from edge_daemon.errors import CameraError, DamageError, StoreError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store import candidates as candidate_rows
from edge_daemon.store.untimed import UntimedCapture, add_untimed, untimed_captures

logger = logging.getLogger(__name__)


class UntimedLoop:
    """Takes a picture at a random instant of every span, and keeps what was found in it.

    Args:
        db: register.sqlite.
        gallery: seals candidates.
        comparer: finds and compares faces.
        camera: takes pictures.
        device: name of the device.
        around: clock, stop and report.
    """

    def __init__(
        self,
        db: sqlite_utils.Database,
        gallery: GalleryStore,
        comparer: Comparer,
        camera: LiveCamera,
        device: str,
        around: Surroundings,
    ) -> None:
        self._db, self._gallery, self._comparer, self._camera = db, gallery, comparer, camera
        self._device, self._around = device, around

    def go(self) -> None:
        """Take pictures until told to stop."""
        boot_id = self._around.clock.reading().boot_id
        number = sum(c.boot_id == boot_id for c in untimed_captures(self._db))
        while self._wait():
            if self._take(number):
                number += 1

    def _wait(self) -> bool:
        clock = self._around.clock
        now_s = clock.reading().boottime_s
        due_s = now_s + drawn_wait_s(now_s)
        prepared = False
        while not self._around.stopping():
            left_s = due_s - clock.reading().boottime_s
            if left_s <= 0:
                return True
            if left_s <= WARM_UP_S and not prepared:
                self._camera.prepare(0)
                prepared = True
            self._around.report(Report("waiting", camera_fault=self._camera.fault))
            clock.wait(min(left_s if prepared else left_s - WARM_UP_S, BEAT_S), self._around.wake)
        return False

    def _take(self, number: int) -> bool:
        """Take a picture and keep its candidates; return whether it worked."""
        reading = self._around.clock.reading()
        session, slot = place_of(self._device, reading.boot_id, number)
        try:
            if reason := self._around.no_room():
                raise StoreError(reason)
            found = self._comparer.candidates(slot, self._camera.capture(slot).picture)
            plain = candidate_codec.pack(found, self._comparer.student_ids)
            sealed = self._gallery.seal_candidates(session, slot, plain)
            candidate_rows.put_candidates(self._gallery.db, session, slot, sealed)
            add_untimed(self._db, UntimedCapture(session, slot, reading.boot_id, reading.boottime_s, reading.utc))
        except DamageError:
            raise  # it does not pass: the start that follows brings the database back
        except (CameraError, StoreError) as error:
            logger.info("capture missed", extra={"reason": error.what})
            self._around.report(Report("missed", slot, error.what, camera_fault=self._camera.fault))
            return False
        self._around.report(Report("taken", slot))
        return True
