"""The camera as the daemon uses it: in a process of its own, with a deadline, and restarted after failures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import TracebackType

from edge_daemon.camera import wire
from edge_daemon.camera.exposure_check import repeats
from edge_daemon.camera.helper import Helper
from edge_daemon.camera.recovery import CameraRecovery
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from edge_daemon.types import Frame, Picture

logger = logging.getLogger(__name__)

DEADLINE_S = 8.0
"""Longest time of a capture in seconds, with process start, opening, autofocus and warm-up.

It is less than the 10 s in which the service must end after SIGTERM.
"""
_STOP_WAIT_S = 1.0


class CameraProcess:
    """A camera that never blocks longer than its deadline, and is tried again after every failure.

    Enter it, and call its methods, from a thread that lives as long as the camera is needed. The kernel ends the camera
    process with the thread that started it, so a `kill -9` of the daemon leaves no camera process.

    Args:
        settings: [camera] of the configuration.
        now: returns the current time, aware.
        deadline_s: longest time of one `capture`, in seconds.
        fields: fields that are added to log records, such as the lesson's id.
        factory: `module:function` that creates the camera in place of `settings.kind`, for check-in and tests.
    """

    def __init__(
        self,
        settings: CameraConfig,
        *,
        now: Callable[[], datetime],
        deadline_s: float = DEADLINE_S,
        fields: Mapping[str, object] | None = None,
        factory: str = "",
    ) -> None:
        self._settings, self._now, self._deadline_s, self._factory = settings, now, deadline_s, factory
        self._fields = {"camera": settings.kind, **(fields or {})}
        self._recovery = CameraRecovery()
        self._helper: Helper | None = None
        self._requests = 0
        self._last_digest = ""
        self.fault = ""
        """Why the last capture was missed; empty if it succeeded."""
        self.answers = False
        """Whether the camera gave a picture at the last capture. A black picture counts, because the camera works."""
        self.lens_position: float | None = None
        """Focus of the last picture in dioptres; None for a lens without a motor."""

    def __enter__(self) -> CameraProcess:
        """Start the process, and do not wait for the camera. If that fails, the first capture raises the error."""
        self._start(slot=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._helper is not None:
            self._helper.stop(_STOP_WAIT_S)
            self._helper = None

    @property
    def pid(self) -> int | None:
        """Process id of the camera process; None if there is none."""
        return None if self._helper is None else self._helper.pid

    def prepare(self, slot: int) -> None:
        """Start the sensor for a capture in `WARM_UP_S` seconds. This never waits and never raises an error."""
        if self._helper is not None and self._helper.ended:
            error = CameraError(self._helper.why_ended())
            self._drop()
            self._failed(error, slot)
        if self._helper is None:
            self._start(slot)
        if self._helper is not None:
            self._helper.send(self._request("prepare", slot))

    def capture(self, slot: int) -> Frame:
        """Take a picture now. The frame's memory belongs to the caller.

        Raises:
            CameraError: the capture is missed, and `what` gives the reason. It is raised half a second after the
                deadline at the latest.
        """
        if self._helper is None:
            self._start(slot)
        if self._helper is None:
            rest_s = self._recovery.rest_s(time.monotonic())
            raise CameraError(f"{self.fault or 'the camera rests'} (next attempt in {rest_s:.0f} s)")
        try:
            frame = self._taken(self._helper, slot)
        except CameraError as error:
            self._failed(error, slot)
            raise
        self._answered(slot)
        return frame

    def _taken(self, helper: Helper, slot: int) -> Frame:
        self.answers = False
        try:
            reply, picture = helper.ask(self._request("capture", slot), time.monotonic() + self._deadline_s)
        except TimeoutError as error:
            self._drop()
            raise CameraError(f"the camera did not answer within {self._deadline_s:g} s") from error
        except ConnectionError as error:
            why = helper.why_ended()
            self._drop()
            raise CameraError(why) from error
        except ValueError as error:
            self._drop()
            raise CameraError("the camera process sent an unreadable answer") from error
        except OSError as error:
            raise CameraError(f"no room for the picture: {error.strerror}") from error
        self.answers = picture is not None or reply.refused
        if picture is None:
            raise CameraError(reply.what or "the camera gave no picture", reply.where, reply.hint)
        return self._frame(slot, reply, picture)

    def _frame(self, slot: int, reply: wire.Reply, picture: Picture) -> Frame:
        last, self._last_digest = self._last_digest, reply.digest
        if repeats(self._settings.kind, reply.digest, last):
            raise CameraError("the picture is frozen: it equals the last one in every bit")
        self.lens_position = reply.lens_position
        age_s = max(0.0, time.monotonic() - reply.taken_s)
        return Frame(slot, reply.name, picture, self._now() - timedelta(seconds=age_s))

    def _failed(self, error: CameraError, slot: int) -> None:
        """Take the next step of recovery. If failures go on, log them once."""
        self.fault = error.line()
        if self._recovery.failed(time.monotonic()) == "restart":
            self._drop()
        elif self._helper is not None:
            self._helper.send(self._request("close", slot))
        if self._recovery.reports:
            logger.warning("camera keeps failing", extra={**self._fields, "slot": slot, "reason": self.fault})

    def _answered(self, slot: int) -> None:
        if self.fault:
            logger.info("camera answers again", extra={**self._fields, "slot": slot, "missed": self._recovery.failures})
        self._recovery.succeeded()
        self.fault = ""

    def _start(self, slot: int) -> None:
        now_s = time.monotonic()
        if self._recovery.rest_s(now_s):
            return
        self._recovery.started(now_s)
        try:
            self._helper = Helper(self._settings, self._factory)
        except CameraError as error:
            self._failed(error, slot)

    def _drop(self) -> None:
        if self._helper is not None:
            self._helper.kill()
            self._helper = None

    def _request(self, do: wire.TermRequest, slot: int) -> wire.Request:
        self._requests += 1
        return wire.Request(self._requests, do, slot)
