"""What a rehearsal stores, and what it does not."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path

import cv2
import pytest

from edge_daemon.app.capture.rehearsal import Rehearsal, RehearsalRequest, rehearse
from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.errors import CameraError, GalleryError
from edge_daemon.home import Home
from edge_daemon.lesson.plan import random_frames
from edge_daemon.store import lessons
from edge_daemon.store.database import open_register


@pytest.fixture
def home(demo_home: Path, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(demo_home, tmp_path / "home")))


@pytest.fixture(scope="module")
def rehearsed(demo_home: Path, demo_frames: Path, tmp_path_factory) -> tuple[Home, Rehearsal, datetime, datetime]:
    """A rehearsal of the whole folder, its home, and the times before and after it."""
    home = Home(Path(shutil.copytree(demo_home, tmp_path_factory.mktemp("rehearsed") / "home")))
    before = datetime.now(timezone.utc)
    result = rehearse(home, RehearsalRequest(demo_frames), lambda *_: None)
    return home, result, before, datetime.now(timezone.utc)


@pytest.fixture(scope="module")
def two_frames(demo_frames: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    for path in sorted(demo_frames.iterdir())[:2]:
        shutil.copy(path, folder)
    return folder


def test_an_interrupted_rehearsal_leaves_no_lesson_and_no_candidates(home: Home, demo_frames: Path):
    def interrupt(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(home, RehearsalRequest(demo_frames), interrupt)
    register_db = open_register(home.register_db_path)
    assert lessons.running_lessons(register_db) == []
    assert register_db["captures"].count == 0
    assert open_gallery_store(home).db["candidates"].count == 0


def test_a_rehearsal_without_one_good_picture_is_refused(home: Home, tmp_path: Path):
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(CameraError, match="no picture could be read"):
        rehearse(home, RehearsalRequest(tmp_path), lambda *_: None)
    assert open_register(home.register_db_path)["lessons"].count == 0


def test_frames_of_mixed_sizes_and_greyscale_make_one_lesson(home: Home, demo_frames: Path, tmp_path: Path):
    frames = Path(shutil.copytree(demo_frames, tmp_path / "frames"))
    whole = [cv2.imread(str(path)) for path in sorted(frames.iterdir())]
    height, width = whole[0].shape[:2]
    cv2.imwrite(str(frames / "capture-02.jpg"), cv2.cvtColor(whole[1], cv2.COLOR_BGR2GRAY))
    cv2.imwrite(str(frames / "capture-04.jpg"), cv2.resize(whole[3], (width * 3 // 4, height * 3 // 4)))
    cv2.imwrite(str(frames / "capture-05.jpg"), whole[4][:, : width // 2])
    result = rehearse(home, RehearsalRequest(frames), lambda *_: None)
    assert result.register.captures_taken == 6
    assert result.register.missed == ()
    assert next(v for v in result.register.verdicts if v.tally.student_id == "S1").tally.captures_seen == 6


def test_a_rehearsal_has_no_clock_and_the_time_of_the_call(rehearsed):
    _, result, before, after = rehearsed
    register = result.register
    assert register.clock == "unsynchronised"
    assert before <= register.lesson.start == register.lesson.end <= after
    verdicts = {v.tally.student_id: (v.verdict, v.flags) for v in register.verdicts}
    assert verdicts["S1"][0] == "present", "without a clock a lesson of the timetable would be inconclusive"
    assert not {"clock", "late", "left_early"} & {flag for _, flags in verdicts.values() for flag in flags}


def test_pictures_never_touch_the_disk(rehearsed):
    home, *_ = rehearsed
    databases = [f"{name}.sqlite{side}" for name in ("gallery", "register") for side in ("", "-wal", "-shm")]
    allowed = {"device.key", "contact.key", "gallery.keys", "contact.keys", "enrolment-report.html", *databases}
    assert {p.name for p in home.state_dir.rglob("*")} <= allowed
    data = b"".join(p.read_bytes() for p in home.state_dir.rglob("*") if p.is_file())
    assert b"\xff\xd8\xff" not in data
    assert b"\x89PNG" not in data


def a_video(path: Path, frames: Path, repeats: int) -> Path:
    """Write each capture of the demo lesson this many times."""
    pictures = [cv2.imread(str(one)) for one in sorted(frames.iterdir())]
    height, width = pictures[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (width, height))
    for picture in pictures:
        for _ in range(repeats):
            video.write(picture)
    video.release()
    return path


def test_of_a_video_each_part_gives_one_random_frame_and_the_seed_gives_them_again(home, demo_frames, tmp_path):
    video = a_video(tmp_path / "lesson.avi", demo_frames, 4)
    result = rehearse(home, RehearsalRequest(video, tmp_path / "1.csv", captures=6), lambda *_: None)
    seed = result.register.plan.seed
    assert (result.register.captures_planned, result.register.captures_taken) == (6, 6)
    assert {row.split(",")[0] for row in (tmp_path / "1.csv").read_text().splitlines()[1:]} <= {
        str(frame + 1) for frame in random_frames(seed, 24, 6)
    }
    again = rehearse(home, RehearsalRequest(video, tmp_path / "2.csv", captures=6, seed=seed), lambda *_: None)
    assert again.register.plan.seed == seed
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert again.json()["students"] == result.json()["students"]


def test_the_rest_of_a_video_that_breaks_off_is_missed_with_the_reason(home, demo_frames, tmp_path):
    video = a_video(tmp_path / "lesson.avi", demo_frames, 2)
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 6 // 10])
    register = rehearse(home, RehearsalRequest(video), lambda *_: None).register
    assert register.captures_planned == 12
    assert 1 <= register.captures_taken < 12
    assert register.captures_taken + len(register.missed) == 12
    assert all(f"the video breaks off after frame {register.captures_taken}" in m.reason for m in register.missed)


def test_captures_of_a_folder_and_more_captures_than_frames_are_refused(home, demo_frames, tmp_path):
    with pytest.raises(CameraError, match="each picture is one capture"):
        rehearse(home, RehearsalRequest(demo_frames, captures=3), lambda *_: None)
    video = a_video(tmp_path / "lesson.avi", demo_frames, 1)
    with pytest.raises(CameraError, match="has only 6 frames for 7 captures"):
        rehearse(home, RehearsalRequest(video, captures=7), lambda *_: None)


def test_a_rehearsal_of_a_course_has_its_students_only_and_an_empty_course_is_refused(home: Home, two_frames: Path):
    db = open_gallery_store(home).db
    db.execute("UPDATE students SET courses = '[\"7b\"]' WHERE student_id = 'S1'")
    db.execute("UPDATE students SET courses = '[\"8a\"]' WHERE student_id <> 'S1'")
    db.conn.commit()
    db.conn.close()
    register = rehearse(home, RehearsalRequest(two_frames, course="7b"), lambda *_: None).register
    assert [v.tally.student_id for v in register.verdicts] == ["S1"]
    assert "S2" in register.guests
    with pytest.raises(GalleryError, match="nobody is in the course '9c'") as refused:
        rehearse(home, RehearsalRequest(two_frames, course="9c"), lambda *_: None)
    assert refused.value.hint == "on the roster: 7b, 8a"
    assert len(lessons.running_lessons(open_register(home.register_db_path))) == 0


def test_the_cost_of_a_capture_is_given_in_wall_time_and_processor_time(rehearsed):
    _, result, *_ = rehearsed
    assert 0 < result.cpu_seconds_per_capture < 64 * result.seconds_per_capture
