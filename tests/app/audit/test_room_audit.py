"""The audit on real pictures with the real networks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.app.audit import audit, draw, png, settings, to_json
from edge_daemon.app.audit.audit_captures import AuditCaptures, take
from edge_daemon.app.audit.front_direction import FrontDirection
from edge_daemon.app.opening.models_and_gallery import load_models
from edge_daemon.config import AttentionConfig, CameraConfig, Config
from edge_daemon.errors import CameraError
from edge_daemon.vision.pipeline import Detector
from tests.read_once import each_picture_read_once

CONFIG = Config()


@pytest.fixture(scope="module")
def frames(demo_room) -> Path:
    return demo_room


@pytest.fixture(scope="module")
def room_audit(frames):
    return audit(CONFIG, frames, count=3)


@pytest.fixture(scope="module")
def detector():
    return Detector(load_models(CONFIG), threads=1, embed=False)


@pytest.fixture(scope="module")
def four_pictures():
    """The four orientations of a camera applied to the same four pictures."""
    with each_picture_read_once():
        yield


def turned(frames, folder: Path, code: int | None, name: str) -> Path:
    folder.mkdir()
    picture = cv2.imread(str(frames / name))
    cv2.imwrite(str(folder / "1.png"), picture if code is None else cv2.rotate(picture, code))
    return folder


def test_each_person_of_the_demo_is_found_in_a_seat(room_audit):
    assert room_audit.pictures == 3
    assert room_audit.seats == 4
    middles = sorted(s.seat.box.x + s.seat.box.w / 2 for row in room_audit.rows for s in row.seats)
    assert middles == pytest.approx([160, 385, 600, 765], abs=30)
    assert [row.number for row in room_audit.rows] == list(range(len(room_audit.rows), 0, -1))


def test_the_pictures_are_spread_over_the_folder_and_no_more_are_taken_than_there_are(tmp_path):
    for number in range(1, 10):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((4, 4, 3), number, np.uint8))
    assert [f.name for f in take(CONFIG.camera, tmp_path, 3, AuditCaptures())] == ["1.png", "5.png", "9.png"]
    assert len(list(take(CONFIG.camera, tmp_path, 50, AuditCaptures()))) == 9
    assert [f.name for f in take(CONFIG.camera, tmp_path, 1, AuditCaptures())] == ["1.png"]


@pytest.mark.parametrize("name", ["capture-01.jpg", "capture-02.jpg", "capture-03.jpg", "capture-06.jpg"])
@pytest.mark.parametrize(
    ("hangs", "turn_deg", "code", "what_to_do"),
    [
        (
            cv2.ROTATE_90_CLOCKWISE,
            270,
            "on_its_side",
            "Turn the camera by 90 degrees clockwise, as seen from behind it.",
        ),
        (cv2.ROTATE_90_COUNTERCLOCKWISE, 90, "on_its_side", "Turn the camera by 90 degrees counter-clockwise, as seen"),
        (cv2.ROTATE_180, 180, "upside_down", "Turn the camera by 180°, or the setting camera.upside_down."),
        (None, 0, "", ""),
    ],
)
@pytest.mark.usefixtures("four_pictures")
def test_advice_says_how_to_turn_a_camera_that_is_mounted_askew(
    demo_frames, tmp_path, name, hangs, turn_deg, code, what_to_do
):
    """A picture on its side may show as many faces, but they all lean."""
    room_audit = audit(CONFIG, turned(demo_frames, tmp_path / "turned", hangs, name), count=1)
    assert room_audit.turned_by_deg == turn_deg
    advice_texts = {advice.code: advice.text for advice in room_audit.advice}
    if not code:
        assert room_audit.usable
        assert not {"on_its_side", "upside_down"} & advice_texts.keys()
        return
    assert list(advice_texts) == [code], "nothing else is right in a picture that is turned"
    assert what_to_do in advice_texts[code]
    assert not room_audit.usable


def test_in_the_drawn_picture_no_face_is_left(room_audit, detector):
    drawn = draw(room_audit, show_faces=False)
    height, width = room_audit.shown.picture.shape[:2]
    assert drawn.shape[1] == width
    assert drawn.shape[0] > height
    assert len(detector(room_audit.shown.picture)) >= 3
    assert detector(drawn[:height]) == []


def test_faces_are_kept_where_that_is_asked_for(room_audit):
    original, drawn = room_audit.shown.picture, draw(room_audit, show_faces=True)
    box = room_audit.rows[-1].seats[0].seat.box
    inner = (slice(int(box.y + 9), int(box.y + box.h - 9)), slice(int(box.x + 9), int(box.x + box.w - 9)))
    assert (drawn[inner] == original[inner]).all(axis=2).mean() > 0.6  # but for the points of large faces


def test_the_68_points_are_drawn_on_large_faces_that_are_shown(room_audit):
    shown = [
        look.face
        for row in room_audit.rows
        for s in row.seats
        for look in s.seat.looks
        if look.picture == room_audit.shown.index
    ]
    large = [face for face in shown if face.landmarks is not None]
    assert large
    original, drawn = room_audit.shown.picture, draw(room_audit, show_faces=True)
    for face in large:
        at = np.round(face.landmarks).astype(int)
        changed = (drawn[at[:, 1], at[:, 0]] != original[at[:, 1], at[:, 0]]).any(axis=1)
        assert changed.sum() >= 60


def test_the_audited_picture_itself_is_not_drawn_on(room_audit):
    before = room_audit.shown.picture.copy()
    draw(room_audit, show_faces=False)
    assert (room_audit.shown.picture == before).all()


def test_the_drawn_picture_is_a_png_of_the_same_pixels(room_audit):
    drawn = draw(room_audit, show_faces=False)
    assert (cv2.imdecode(np.frombuffer(png(drawn), np.uint8), cv2.IMREAD_COLOR) == drawn).all()


def test_the_document_is_json_and_names_no_path(room_audit, frames):
    text = json.dumps(to_json(room_audit, CONFIG))
    document = json.loads(text)
    assert document["seats"] == 4
    assert document["size_px"] == [960, 540]
    assert sum(len(row["seats"]) for row in document["rows"]) == 4
    assert str(frames) not in text


def test_a_setting_is_recommended_only_where_it_differs(room_audit):
    room_audit = replace(room_audit, front=FrontDirection(12, 11, -17.6), lens_position=0.53)
    found = {(s.section, s.key): s.value for s in settings(room_audit, CONFIG)}
    assert found == {("attention", "front_yaw_deg"): -18.0, ("camera", "lens_position"): 0.53}
    config = Config(attention=AttentionConfig(front_yaw_deg=-15.0), camera=CameraConfig(lens_position=0.5))
    assert settings(room_audit, config) == ()


def test_for_a_camera_upside_down_only_the_setting_of_its_rotation_is_recommended(room_audit):
    turned = replace(room_audit, front=FrontDirection(12, 11, -17.6), turned_by_deg=180)
    assert settings(turned, CONFIG) == ()
    (found,) = settings(replace(turned, from_camera=True), CONFIG)
    assert (found.section, found.key, found.value) == ("camera", "upside_down", True)


def test_pictures_of_another_size_and_unreadable_ones_are_left_out_with_a_line(demo_frames, tmp_path):
    shutil.copy(demo_frames / "capture-01.jpg", tmp_path / "1.jpg")
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "3.jpg"), np.full((300, 400, 3), 128, np.uint8))
    room_audit = audit(CONFIG, tmp_path, count=3)
    assert room_audit.pictures == 1
    assert [line.split()[0] for line in room_audit.unreadable] == ["2.jpg", "3.jpg"]


def test_without_any_picture_the_error_says_why(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(CameraError, match=r"no picture could be taken \(1.jpg is damaged"):
        audit(CONFIG, tmp_path)


def test_the_camera_of_the_settings_is_asked_where_no_folder_is_named(tmp_path):
    config = Config(camera=CameraConfig(kind="files", source=str(tmp_path)))
    with pytest.raises(CameraError, match="has no pictures"):
        audit(config, None)


def test_a_camera_that_is_not_there_is_one_line_and_not_five_attempts():
    config = Config(camera=CameraConfig(kind="v4l2", source="/dev/video-none"))
    with pytest.raises(CameraError, match="no picture could be taken") as error:
        audit(config, None)
    assert error.value.line().count("picture 1") == 1
