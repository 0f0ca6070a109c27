from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.camera import files
from edge_daemon.camera.files import ReplayCamera, _breaks_off, open_files
from edge_daemon.errors import CameraError


def picture(level: int = 90, height: int = 48, width: int = 64) -> np.ndarray:
    shade = np.linspace(0, 60, width, dtype=np.uint8)
    return np.dstack([np.tile(shade, (height, 1)) + level] * 3)


def write(path: Path, image: np.ndarray) -> Path:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def write_video(path: Path, frames: int) -> Path:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    for i in range(frames):
        video.write(picture(i * 20 % 180))
    video.release()
    return path


def broken_off(folder: Path) -> Path:
    """Return a video of 60 frames that ends in the middle of its data."""
    path = write_video(folder / "film.avi", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF header that holds only the orientation into a JPEG."""
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\0\0"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def test_pictures_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("10.jpg", "9.jpg", "1.JPEG", "b2.png", "b10.png"):
        write(tmp_path / name, picture())
    with open_files(tmp_path) as camera:
        assert [camera.capture(i).name for i in range(camera.count)] == [
            "1.JPEG",
            "9.jpg",
            "10.jpg",
            "b2.png",
            "b10.png",
        ]


def test_a_file_whose_name_is_no_picture_is_passed_over(tmp_path):
    write(tmp_path / "1.jpg", picture())
    (tmp_path / "notes.txt").write_text("seats")
    (tmp_path / "._1.jpg").write_bytes(b"left by a file manager")
    (tmp_path / "folder.jpg").mkdir()
    assert open_files(tmp_path).count == 1


def test_a_name_that_is_no_text_is_made_text(tmp_path):
    (tmp_path / os.fsdecode(b"\xff1.png")).write_bytes(cv2.imencode(".png", picture())[1].tobytes())
    assert open_files(tmp_path).capture(0).name == "\ufffd1.png"


def test_sizes_and_greyscale_may_be_mixed(tmp_path):
    write(tmp_path / "1.jpg", picture())
    write(tmp_path / "2.jpg", picture(height=100, width=30))
    write(tmp_path / "3.png", picture()[..., 0])
    write(tmp_path / "4.png", np.dstack([picture(), picture()[..., 0]]))
    write(tmp_path / "5.png", picture().astype(np.uint16) * 256)
    with open_files(tmp_path) as camera:
        pictures = [camera.capture(i).picture for i in range(camera.count)]
    assert [p.shape for p in pictures] == [(48, 64, 3), (100, 30, 3), (48, 64, 3), (48, 64, 3), (48, 64, 3)]
    assert {str(p.dtype) for p in pictures} == {"uint8"}
    np.testing.assert_allclose(pictures[2], picture())
    np.testing.assert_allclose(pictures[4], picture(), atol=1)


def test_colours_are_blue_green_red(tmp_path):
    write(tmp_path / "1.png", np.full((8, 8, 3), (250, 120, 3), np.uint8))
    assert tuple(open_files(tmp_path).capture(0).picture[4, 4]) == (250, 120, 3)


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    upright = cv2.imencode(".jpg", picture())[1].tobytes()
    (tmp_path / "1.jpg").write_bytes(with_orientation(upright, 6))
    turned = open_files(tmp_path).capture(0).picture
    assert turned.shape == (64, 48, 3)
    np.testing.assert_allclose(turned, np.rot90(picture(), -1), atol=4)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(
    "spoil",
    [lambda d: b"", lambda d: d[:40], lambda d: d[: len(d) // 2], lambda d: d[:-3], lambda d: b"not a picture" * 9],
    ids=["empty", "head only", "half", "last bytes gone", "text"],
)
def test_an_unreadable_picture_is_one_missed_capture(tmp_path, suffix, spoil):
    for i in range(3):
        write(tmp_path / f"{i}{suffix}", picture())
    bad = tmp_path / f"1{suffix}"
    bad.write_bytes(spoil(bad.read_bytes()))
    with open_files(tmp_path) as camera:
        assert camera.count == 3
        camera.capture(0)
        with pytest.raises(CameraError, match=f"1{suffix}: is damaged"):
            camera.capture(1)
        camera.capture(2)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_that_breaks_off_is_never_left_to_the_decoder(tmp_path, suffix, monkeypatch):
    path = write(tmp_path / f"1{suffix}", picture())
    path.write_bytes(path.read_bytes()[:-3])
    for name in ("imdecode", "imread"):
        monkeypatch.setattr(cv2, name, lambda *_, **__: pytest.fail("decoded: some fill the rest with grey"))
    with pytest.raises(CameraError, match="truncated"):
        open_files(tmp_path).capture(0)


_DECODE = """
import re, sys
from pathlib import Path
from edge_daemon.camera.files import read_picture
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
small, large = (Path(p) for p in sys.argv[1:])
read_picture(small)
before = peak_kib()
print(read_picture(large).nbytes / 1024, peak_kib() - before)
"""


@pytest.mark.skipif(not files._HAS_DESTINATION, reason="this OpenCV decodes into an array of its own")
def test_a_picture_is_in_memory_once_while_it_is_decoded(tmp_path):
    small, large = write(tmp_path / "1.jpg", picture()), tmp_path / "2.jpg"
    cv2.imwrite(str(large), np.full((2592, 4608, 3), 90, np.uint8))
    found = subprocess.run(
        [sys.executable, "-c", _DECODE, str(small), str(large)], capture_output=True, text=True, check=True
    )
    size_kib, grown_kib = (float(word) for word in found.stdout.split())
    assert size_kib * 0.9 < grown_kib < size_kib * 1.5


def test_a_file_name_that_is_not_utf_8_is_read(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/1\xff.png"))
    try:
        path.write_bytes(write(tmp_path / "2.png", picture()).read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (tmp_path / "2.png").unlink()
    assert (open_files(tmp_path).capture(0).picture == picture()).all()


def test_a_picture_that_went_away_is_one_missed_capture(tmp_path):
    path = write(tmp_path / "1.jpg", picture())
    camera = open_files(tmp_path)
    path.unlink()
    with pytest.raises(CameraError, match=r"1\.jpg: can't be read: No such file"):
        camera.capture(0)


def test_a_picture_that_is_replaced_while_it_is_read_is_one_missed_capture(tmp_path, monkeypatch):
    path, decoded = write(tmp_path / "1.jpg", picture()), files._decoded
    half = path.read_bytes()[: path.stat().st_size // 2]

    def overtaken(*arguments: object) -> object:
        path.write_bytes(half)
        return decoded(*arguments)

    monkeypatch.setattr(files, "_decoded", overtaken)
    with pytest.raises(CameraError, match=r"^1\.jpg: was replaced while it was read$"):
        files.read_picture(path)


def test_a_picture_that_is_too_large_is_never_read_or_decoded(tmp_path, monkeypatch):
    huge = tmp_path / "1.jpg"
    with huge.open("wb") as file:
        file.truncate(2**40)  # without any data on the disk
    with pytest.raises(CameraError, match="is larger than 256 MiB"):
        files.read_picture(huge)
    whole = write(tmp_path / "2.png", picture()).read_bytes()
    head = b"IHDR" + struct.pack(">II", 20_000, 5_001) + whole[24:29]
    (tmp_path / "2.png").write_bytes(whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:])
    monkeypatch.setattr(files, "_decoded", None)
    with pytest.raises(CameraError, match="is larger than 100 megapixels"):
        files.read_picture(tmp_path / "2.png")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(CameraError, match="has no pictures"):
        open_files(tmp_path)


def test_a_place_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(CameraError, match="no such folder or video"):
        open_files(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"moo" * 5000])
def test_a_file_that_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(CameraError, match="is not a video"):
        open_files(path)


def test_frames_of_a_video_are_named_by_their_place_from_1(tmp_path):
    with open_files(write_video(tmp_path / "film.avi", 4)) as camera:
        frames = [camera.capture(i) for i in range(camera.count)]
    assert [f.name for f in frames] == ["1", "2", "3", "4"]
    assert [f.slot for f in frames] == [0, 1, 2, 3]
    assert [f.picture.mean() for f in frames] == pytest.approx([30, 50, 70, 90], abs=3)


def test_frames_of_a_video_can_be_left_out(tmp_path):
    with open_files(write_video(tmp_path / "film.avi", 5)) as camera:
        camera.capture(0)
        assert camera.capture(3).picture.mean() == pytest.approx(89.5, abs=3)


def test_a_video_that_breaks_off_has_all_its_frames_and_says_which_can_not_be_read(tmp_path):
    path = broken_off(tmp_path)
    with open_files(path) as camera:
        assert camera.count == camera.frames == 60
        assert 1 <= camera.readable < 60
        assert camera.capture(camera.readable - 1).picture.shape == (48, 64, 3)
        with pytest.raises(CameraError, match=f"the video breaks off after frame {camera.readable}") as caught:
            camera.capture(camera.readable)
        assert caught.value.where == f"{path}, frame {camera.readable + 1}"


def test_a_video_that_stands_in_for_a_camera_has_the_frames_before_the_break_for_ever(tmp_path):
    path = broken_off(tmp_path)
    with ReplayCamera(path) as camera:
        assert {camera.capture(slot).name for slot in range(60)} == {
            str(n + 1) for n in range(open_files(path).readable)
        }


@pytest.mark.parametrize(
    ("readable", "promised", "breaks"),
    [(11, 20.0, True), (18, 20.0, False), (100, 102.0, False), (990, 1000.0, False), (900, 1000.0, True),
     (11, 0.0, False), (11, -1.0, False), (11, float("nan"), False), (11, 1e15, False)],
)  # fmt: skip
def test_a_container_that_guesses_its_frames_is_not_one_that_breaks_off(readable, promised, breaks):
    assert _breaks_off(readable, promised) is breaks


def test_chosen_frames_are_the_captures_and_keep_their_names(tmp_path):
    with open_files(write_video(tmp_path / "film.avi", 8)) as camera:
        camera.choose((1, 4, 7))
        frames = [camera.capture(slot) for slot in range(camera.count)]
    assert [(f.slot, f.name) for f in frames] == [(0, "2"), (1, "5"), (2, "8")]
    assert [f.picture.mean() for f in frames] == pytest.approx([50, 110, 170], abs=3)


def test_each_frame_has_the_time_of_its_slot(tmp_path):
    write(tmp_path / "1.jpg", picture())
    write(tmp_path / "2.jpg", picture())
    times = [datetime(2026, 9, 1, 8, minute, tzinfo=timezone.utc) for minute in (3, 17)]
    camera = open_files(tmp_path, when=times.__getitem__)
    assert [camera.capture(i).taken_at for i in (0, 1)] == times


def test_the_digest_depends_on_names_and_order(tmp_path):
    write(tmp_path / "1.png", picture())
    (tmp_path / "2.png").write_bytes(b"two")
    before = open_files(tmp_path).digest()
    (tmp_path / "1.png").rename(tmp_path / "3.png")
    assert open_files(tmp_path).digest() != before


def test_the_digest_changes_with_any_byte_of_any_picture(tmp_path):
    write(tmp_path / "1.png", picture())
    path = write(tmp_path / "2.png", picture())
    before = open_files(tmp_path).digest()
    assert open_files(tmp_path).digest() == before
    path.write_bytes(path.read_bytes() + b"\0")
    assert open_files(tmp_path).digest() != before
