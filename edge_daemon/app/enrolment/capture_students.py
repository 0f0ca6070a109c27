"""`enrol capture`: makes templates from pictures that a camera takes now, student by student; no picture is kept."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from edge_daemon.app.enrolment.enrolled_students import opened_gallery
from edge_daemon.app.enrolment.picture_window import PictureWindow
from edge_daemon.app.opening.models_and_gallery import embedder_id, load_models
from edge_daemon.camera.base import WARM_UP_S
from edge_daemon.camera.factory import check_source
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError, GalleryError, PhotographError
from edge_daemon.gallery.agreement import find_look_alikes
from edge_daemon.gallery.guided_capture import CaptureJudge, WantedPicture, mean_vector, wanted_pictures
from edge_daemon.gallery.roster_import import stored_exemplar
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.home import Home
from edge_daemon.store.captured_templates import captured_students, replace_captured
from edge_daemon.store.gallery import CAPTURED, wipe_log
from edge_daemon.types import Vector
from edge_daemon.vision.portrait import PortraitReader

__all__ = ["CaptureDay", "StudentAtCamera", "WantedPicture", "camera_settings", "capture_day", "wanted_pictures"]

_DEADLINE_S = 20.0
"""Time limit for one picture, including the start of the camera and autofocus."""


@dataclass(frozen=True, slots=True)
class StudentAtCamera:
    """A student on the roster, for a photo day."""

    student_id: str
    name: str
    consent: bool
    """True if the roster has the student's consent."""
    is_captured: bool
    """True if templates from a camera exist already."""


def camera_settings(config: CameraConfig, source: str) -> CameraConfig:
    """Return the settings of the camera to use.

    Args:
        config: the settings of the device's own camera.
        source: empty for that camera; otherwise a device such as /dev/video0, a folder of pictures, or a video.

    Raises:
        CameraError: there is no such source.
    """
    # The stored focus was measured for a room; a face at arm's length needs another one.
    settings = replace(config, lens_position=-1.0)
    if source.startswith("/dev/"):
        settings = replace(settings, kind="v4l2", source=source)
    elif source:
        if not Path(source).exists():
            raise CameraError("no such camera, folder or video", source, "give a device such as /dev/video0")
        settings = replace(settings, kind="files", source=str(Path(source).absolute()))
    check_source(settings)
    return settings


@contextmanager
def capture_day(home: Home, settings: CameraConfig) -> Iterator[CaptureDay]:
    """Open gallery, models and camera for a photo day.

    Raises:
        EdgeError: there is no gallery or no key, or a model can't be used.
    """
    with ExitStack() as stack:
        store = stack.enter_context(opened_gallery(home))
        models = load_models(home.config)
        now = lambda: datetime.now(timezone.utc)  # noqa: E731
        camera = stack.enter_context(CameraProcess(settings, now=now, deadline_s=_DEADLINE_S))
        window = stack.enter_context(PictureWindow())
        # Pictures from files need no time to adjust to the light.
        warm_up_s = 0.0 if settings.kind == "files" else WARM_UP_S
        yield CaptureDay(store, PortraitReader(models), embedder_id(models), camera, window, warm_up_s)


class CaptureDay:
    """Captures one student after another at a camera. Made by `capture_day`."""

    def __init__(
        self,
        store: GalleryStore,
        reader: PortraitReader,
        embedder: EmbedderId,
        camera: CameraProcess,
        window: PictureWindow,
        warm_up_s: float,
    ) -> None:
        self._store, self._reader, self._embedder = store, reader, embedder
        self._camera, self._window, self._warm_up_s = camera, window, warm_up_s
        self._slot = 0
        self._judge: CaptureJudge | None = None

    def students(self) -> list[StudentAtCamera]:
        """Return the students on the roster, in its order."""
        captured = captured_students(self._store.db)
        return [
            StudentAtCamera(s.student_id, s.name, s.consent, s.student_id in captured) for s in self._store.students()
        ]

    def begin(self, student_id: str) -> None:
        """Begin with a student who has been asked for consent.

        Raises:
            GalleryError: the student is not on the roster, or has no consent there.
        """
        student = next((one for one in self.students() if one.student_id == student_id), None)
        if student is None:
            hint = "import the roster first; see `edge-daemon enrol list`"
            raise GalleryError("not on the roster", f"student {student_id}", hint)
        if not student.consent:
            hint = "a template needs consent in the roster: change the roster, and import it"
            raise GalleryError("the roster has no consent", f"student {student_id}", hint)
        others = {i: mean_vector(own) for i, own in self._faces().items() if i != student_id}
        self._judge = CaptureJudge(student_id, self._reader, others)

    def take(self, wanted: WantedPicture) -> str:
        """Take one picture now; return why it is not good enough, empty if it is.

        The picture is forgotten at once in either case.
        """
        assert self._judge is not None, "begin() comes first"
        slot, self._slot = self._slot, self._slot + 1
        try:
            self._camera.prepare(slot)
            time.sleep(self._warm_up_s)
            picture = self._camera.capture(slot).picture
        except CameraError as error:
            return error.line()
        try:
            judged = self._judge.judge(picture, wanted)
        except PhotographError as error:
            reason = f"{error.what}; {error.hint}" if error.hint else error.what
            self._window.show(picture, None, reason)
            return reason
        self._window.show(picture, judged.face, "taken")
        return ""

    def keep(self) -> int:
        """Keep the templates of the student's pictures in place of earlier ones from a camera; return their number.

        Raises:
            GalleryError: the student was removed or withdrew consent meanwhile.
            StoreError: the gallery can't be written.
        """
        assert self._judge is not None, "begin() comes first"
        accepted = self._judge.accepted
        if not accepted:
            return 0
        student_id = accepted[0].student_id
        row = self._store.row(student_id)
        key = self._store.data_key(row)
        sealed = [
            self._store.sealed_template(
                row,
                self._embedder,
                # The hash is keyed, so that a person who has the picture can't show that it was taken.
                CAPTURED + hmac.new(key, one.sha256, hashlib.sha256).hexdigest(),
                one,
                datetime.now(timezone.utc),
            )
            for one in accepted
        ]
        faces = {**self._faces(), student_id: [one.vectors[0] for one in accepted]}
        pairs = find_look_alikes({i: [stored_exemplar(i, vector) for vector in all_] for i, all_ in faces.items()})
        if not replace_captured(
            self._store.db, row, sealed, [pair for pair in pairs if student_id in (pair.a, pair.b)]
        ):
            hint = "see `edge-daemon enrol show`; nothing was kept"
            raise GalleryError("was removed or took the consent back meanwhile", f"student {student_id}", hint)
        wipe_log(self._store.db)
        self._judge = None
        return len(sealed)

    def _faces(self) -> Mapping[str, list[Vector]]:
        return self._store.faces(self._embedder)
