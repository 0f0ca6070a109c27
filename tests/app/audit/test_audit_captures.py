"""Pictures for the audit from a camera in its own process."""

from __future__ import annotations

from functools import partial

import pytest

from edge_daemon.app.audit import audit_captures
from edge_daemon.app.audit.audit_captures import AuditCaptures, take
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from tests.camera import broken


@pytest.fixture
def camera(tmp_path, monkeypatch):
    """The settings of a camera whose behaviour can be set, and its file."""
    monkeypatch.setattr(audit_captures, "CameraProcess", partial(CameraProcess, factory=broken.FACTORY))
    monkeypatch.setattr(audit_captures, "WARM_UP_S", 0.0)
    mood = tmp_path / "mood"
    mood.write_text("good")
    return CameraConfig("v4l2", str(mood), lens_position=2.0), mood


def test_a_camera_gives_as_many_pictures_as_are_asked_for_and_its_focus(camera):
    config, _ = camera
    taking = AuditCaptures()
    frames = list(take(config, None, 3, taking))
    assert [frame.slot for frame in frames] == [0, 1, 2]
    assert frames[0].picture.shape == (broken.HEIGHT_PX, broken.WIDTH_PX, 3)
    assert taking.from_camera
    assert taking.lens_position == 0.5
    assert taking.unreadable == []


def test_the_camera_focuses_anew_whatever_is_set(camera, monkeypatch):
    config, _ = camera
    asked = []

    def remembering(settings, **more):
        asked.append(settings.lens_position)
        return CameraProcess(settings, factory=broken.FACTORY, **more)

    monkeypatch.setattr(audit_captures, "CameraProcess", remembering)
    list(take(config, None, 1, AuditCaptures()))
    assert asked == [-1.0]


def test_a_picture_that_fails_is_left_out_with_its_reason(camera):
    config, mood = camera
    taking = AuditCaptures()
    frames = take(config, None, 3, taking)
    next(frames)
    mood.write_text("refuse")
    with pytest.raises(StopIteration):
        next(frames)
    assert [line.split(":")[0] for line in taking.unreadable] == ["picture 2", "picture 3"]
    assert "the camera gives no pictures" in taking.unreadable[0]


def test_a_camera_that_never_gives_a_picture_is_one_error(camera):
    config, mood = camera
    mood.write_text("no-open")
    with pytest.raises(CameraError, match="there is no camera") as error:
        list(take(config, None, 5, AuditCaptures()))
    assert "\n" not in error.value.line()
    attempts = 2 * 2  # warming up opens it, too
    assert mood.with_suffix(".log").read_text().count("open") <= attempts
