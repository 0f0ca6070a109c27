"""Photographs from any phone or program are read; unusable ones are refused with the reason."""

from __future__ import annotations

import contextlib
import os
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_daemon.errors import ImageFileError, PhotographError
from edge_daemon.gallery import photograph_decoding
from edge_daemon.gallery.photograph_decoding import WORKING_SIDE_PX, decode
from edge_daemon.gallery.photographs import MAX_BYTES, Photograph, photographs_of, read_photograph
from edge_daemon.image_header import ImageHeader, read_header
from tests.gallery import pictures as make


def put(folder, name, content: bytes):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read_photograph_here(path) -> Photograph:
    return read_photograph(path, decode)


def reason(path) -> str:
    with pytest.raises(PhotographError) as caught:
        read_photograph_here(path)
    assert "\n" not in caught.value.line()
    assert str(path) in caught.value.line()
    return caught.value.line()


@pytest.mark.parametrize("name", ["a.jpg", "a.JPG", "a.jpeg", "a.JPEG", "a.jfif", "a.JFIF", "a.jpe"])
def test_jpeg_is_read_whatever_the_case_of_its_ending(tmp_path, name):
    picture = read_photograph_here(put(tmp_path, name, make.jpeg(make.portrait()))).picture
    assert picture.shape == (60, 40, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - make.portrait()).mean() < 4


def test_a_png_under_the_name_of_a_jpeg_is_read(tmp_path):
    assert (read_photograph_here(put(tmp_path, "a.jpg", make.png(make.portrait()))).picture == make.portrait()).all()


@pytest.mark.parametrize(("orientation", "bright"), [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0))])
def test_exif_rotation_is_honoured(tmp_path, orientation, bright):
    data = make.rotated_by_exif(make.jpeg(make.portrait()), orientation)
    picture = read_photograph_here(put(tmp_path, "a.jpg", data)).picture
    assert picture.shape[:2] == ((40, 60) if orientation in (6, 8) else (60, 40))
    quarters = [[part.mean() for part in np.array_split(half, 2, axis=1)] for half in np.array_split(picture, 2)]
    assert np.unravel_index(np.argmax(quarters), (2, 2)) == bright


def test_exif_rotation_is_honoured_where_a_large_picture_is_reduced(tmp_path):
    data = make.rotated_by_exif(make.jpeg(make.portrait(4000, 3000)), 6)
    picture = read_photograph_here(put(tmp_path, "a.jpg", data)).picture
    assert picture.shape == (WORKING_SIDE_PX * 3 // 4, WORKING_SIDE_PX, 3)
    assert picture[:600, 800:].mean() > 150


def test_grey_sixteen_bit_transparent_and_cmyk_pictures_become_bgr(tmp_path):
    grey = make.portrait()[..., 0]
    assert (read_photograph_here(put(tmp_path, "g.png", make.png(grey))).picture == grey[..., None]).all()
    deep = make.portrait().astype(np.uint16) * 257
    assert (read_photograph_here(put(tmp_path, "d.png", make.png(deep))).picture == make.portrait()).all()
    clear = np.dstack([make.portrait(), np.full((60, 40), 128, np.uint8)])
    assert (read_photograph_here(put(tmp_path, "t.png", make.png(clear))).picture == make.portrait()).all()
    cyan = read_photograph_here(put(tmp_path, "c.jpg", make.cmyk_jpeg((0, 255, 255, 255)))).picture
    assert np.abs(cyan.astype(int) - (255, 255, 0)).max() < 6


def test_channels_are_in_the_order_blue_green_red(tmp_path):
    picture = np.full((30, 30, 3), (250, 20, 20), np.uint8)
    assert read_photograph_here(put(tmp_path, "blue.jpg", make.jpeg(picture))).picture[15, 15].argmax() == 0


@pytest.mark.parametrize("share_left", [0.05, 0.4, 0.95])
def test_a_truncated_jpeg_is_refused(tmp_path, share_left):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = make.jpeg(noise)
    assert "truncated" in reason(put(tmp_path, "a.jpg", data[: int(len(data) * share_left)]))


def test_a_thumbnails_end_does_not_pass_for_the_pictures(tmp_path):
    data = make.with_thumbnail(make.jpeg(make.portrait(200, 200)))
    assert read_photograph_here(put(tmp_path, "whole.jpg", data)).picture.shape == (200, 200, 3)
    assert "truncated" in reason(put(tmp_path, "cut.jpg", data[:-300]))


@pytest.mark.parametrize("share_left", [0.2, 0.6, 0.98])
def test_a_truncated_png_is_refused(tmp_path, share_left):
    data = make.png(make.portrait(200, 200))
    assert "truncated" in reason(put(tmp_path, "a.png", data[: int(len(data) * share_left)]))


def test_a_png_with_a_flipped_bit_is_refused(tmp_path):
    data = bytearray(make.png(make.portrait(200, 200)))
    data[len(data) // 2] ^= 4
    assert "damaged PNG" in reason(put(tmp_path, "a.png", bytes(data)))


def test_the_decoders_own_messages_never_reach_stderr(tmp_path, capfd):
    data = bytearray(make.jpeg(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)))
    data[len(data) // 2 : len(data) // 2 + 400] = b"\x55" * 400
    path = put(tmp_path, "a.jpg", bytes(data))
    for content in (bytes(data), bytes(data[:3000]) + b"\xff\xd9", make.claiming_png(50, 50)):
        path.write_bytes(content)
        with contextlib.suppress(PhotographError):
            read_photograph_here(path)
    os.write(2, b"ours still do\n")
    assert capfd.readouterr().err == "ours still do\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", b"", "empty"),
        ("a.jpg", b"<html>no such page</html>", "not a JPEG, PNG"),
        ("a.jpg", b"\xff\xd8\xff", "truncated"),
        ("a.gif", b"GIF89a", "not a JPEG, PNG"),
        ("a.pdf", b"%PDF-1.7", "not a JPEG, PNG"),
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "convert it to JPEG"),
        ("a.HEIC", b"anything", "not a JPEG, PNG"),
        ("a.avif", b"\0\0\0\x18ftypavif\0\0\0\0", "not a JPEG, PNG"),
        ("a.jpg", b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF is not read; convert it to JPEG"),
        ("a.webp", b"RIFF\xff\0\0\0WEBPVP8 ", "truncated"),
        ("phone.jpg", b"\0\0\0\x18ftypmif1\0\0\0\0", "convert it to JPEG"),
    ],
)
def test_a_file_in_an_unsupported_format_is_named(tmp_path, name, content, words):
    assert words in reason(put(tmp_path, name, content))


def claiming_progressive_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose decoder holds the coefficients of the whole picture."""
    data = cv2.imencode(".jpg", make.portrait(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    at = data.index(b"\xff\xc2")
    return data[: at + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 9 :]


@pytest.mark.parametrize(
    ("make_claim", "megapixels"),
    [(make.claiming_jpeg, 50), (make.claiming_png, 35), (claiming_progressive_jpeg, 35)],
)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, make_claim, megapixels, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    side = int((megapixels * 10**6) ** 0.5) + 10
    words = f"{side}x{side} is larger than {megapixels} megapixels"
    assert words in reason(put(tmp_path, "a.png", make_claim(side, side)))


def test_a_plain_jpeg_is_distinguished_from_one_that_is_decoded_as_a_whole():
    plain = make.jpeg(make.portrait())
    assert read_header(plain).is_plain_jpeg
    assert read_header(make.with_thumbnail(plain)).is_plain_jpeg
    assert not read_header(claiming_progressive_jpeg(40, 60)).is_plain_jpeg
    scan = plain.index(b"\xff\xda")
    assert not read_header(plain[:-2] + plain[scan:]).is_plain_jpeg, "two scans"
    assert not read_header(make.png(make.portrait())).is_plain_jpeg


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    path = tmp_path / "a.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a hole: takes no disk
    assert "larger than 30 MiB" in reason(path)


def test_a_png_that_is_nothing_but_a_header_is_refused(tmp_path):
    assert "decoded" in reason(put(tmp_path, "a.png", make.claiming_png(64, 64)))


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_read(tmp_path):
    outside = put(tmp_path, "outside.jpg", make.jpeg(make.portrait()))
    folder = tmp_path / "S1"
    put(folder, "real.jpg", make.jpeg(make.portrait()))
    (folder / "out.jpg").symlink_to(outside)
    (folder / "in.jpg").symlink_to("real.jpg")
    assert "leads out of the folder" in reason(folder / "out.jpg")
    assert read_photograph_here(folder / "in.jpg").picture.shape == (60, 40, 3)


def test_links_in_a_circle_and_to_nowhere_are_refused(tmp_path):
    (tmp_path / "a.jpg").symlink_to("b.jpg")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "c.jpg").symlink_to("nowhere.jpg")
    for name in ("a.jpg", "c.jpg"):
        assert "can't be read" in reason(tmp_path / name)


def test_a_folder_and_a_fifo_named_like_photographs_are_refused(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    os.mkfifo(tmp_path / "b.jpg")
    assert "not a file" in reason(tmp_path / "b.jpg")
    reason(tmp_path / "a.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_photograph_is_refused(tmp_path):
    path = put(tmp_path, "a.jpg", make.jpeg(make.portrait()))
    path.chmod(0)
    assert "Permission denied" in reason(path)


def test_webp_is_read_lossy_lossless_and_with_a_header_of_its_own(tmp_path):
    for quality in (90, 101):  # above 100: lossless
        data = cv2.imencode(".webp", make.portrait(), [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        assert read_header(data) == ImageHeader(40, 60)
        picture = read_photograph_here(put(tmp_path, "a.webp", data)).picture
        assert np.abs(picture.astype(int) - make.portrait()).mean() < 6
        assert "truncated" in reason(put(tmp_path, "cut.webp", data[:-4]))
    clear = np.dstack([make.portrait(), np.full((60, 40), 128, np.uint8)])
    data = cv2.imencode(".webp", clear, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    extended = b"VP8X" + (10).to_bytes(4, "little") + bytes((0x10, 0, 0, 0)) + (39).to_bytes(3, "little")
    extended += (59).to_bytes(3, "little") + data[12:]
    data = b"RIFF" + (len(extended) + 4).to_bytes(4, "little") + b"WEBP" + extended
    assert read_header(data) == ImageHeader(40, 60)
    assert read_photograph_here(put(tmp_path, "x.webp", data)).picture.shape == (60, 40, 3)


def test_heic_of_a_phone_is_read(tmp_path):
    pytest.importorskip("pi_heif")
    path = Path(__file__).with_name("heic") / "bright_corner.heic"
    picture = read_photograph_here(path).picture
    assert picture.shape == (96, 64, 3)
    assert np.abs(picture.astype(int) - make.portrait(96, 64)).mean() < 6
    for content in (path.read_bytes()[:-200], path.read_bytes()[:300], b"\0\0\0\x18ftypheic\0\0\0\0"):
        assert "convert it to JPEG" in reason(put(tmp_path, "a.heic", content))


def test_heic_without_its_library_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    line = reason(put(tmp_path, "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0"))
    assert "HEIC is not supported here; convert it to JPEG, or install pi-heif" in line


def test_bits_that_changed_inside_a_jpeg_are_no_photograph(tmp_path):
    """The decoder goes on behind them with other colours, and only says that it did."""
    rng = np.random.default_rng(0)
    whole = make.jpeg(cv2.GaussianBlur(rng.integers(0, 255, (300, 300, 3), dtype=np.uint8), (0, 0), 3))
    start = whole.index(b"\xff\xda") + 20
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(start, len(whole) - 4, 4):
            data[at] ^= 1 << int(rng.integers(8))
        with photograph_decoding._decoder_messages() as messages:
            cv2.imdecode(np.frombuffer(bytes(data), np.uint8), cv2.IMREAD_COLOR)
        path = put(tmp_path, "a.jpg", bytes(data))
        if "Corrupt JPEG data" in messages[0]:
            assert "damaged JPEG" in reason(path)
            refused += 1
    assert refused >= 20


def test_a_jpeg_of_many_scans_and_a_png_of_two_sizes_are_refused_undecoded(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    data = make.jpeg(make.portrait())
    scan = data[data.index(b"\xff\xda") : -2]
    assert "more than 64 scans" in reason(put(tmp_path, "a.jpg", data[:-2] + scan * 200 + b"\xff\xd9"))
    small, large = make.claiming_png(64, 64), make.claiming_png(20000, 20000)
    both = large[:33] + small[8:]
    assert "damaged PNG" in reason(put(tmp_path, "a.png", both))


def test_the_digest_is_that_of_the_file(tmp_path):
    a, b = (put(tmp_path, name, make.jpeg(make.portrait())) for name in ("a.jpg", "b.jpg"))
    c = put(tmp_path, "c.jpg", make.jpeg(make.portrait(), quality=50))
    assert read_photograph_here(a).sha256 == read_photograph_here(b).sha256 != read_photograph_here(c).sha256


def test_a_students_photographs_come_in_order_without_the_clutter_of_file_managers(tmp_path):
    for name in ("2.jpg", "1.PNG", "notes.txt", ".DS_Store", "Thumbs.db", "desktop.ini", "._1.jpg"):
        put(tmp_path / "S1", name, b"x")
    assert [path.name for path in photographs_of(tmp_path, "S1")] == ["1.PNG", "2.jpg", "notes.txt"]


def test_a_student_without_a_folder_has_no_photographs(tmp_path):
    assert photographs_of(tmp_path, "S1") == []


@pytest.mark.parametrize("student_id", ["..", ".", "../S1", "/etc", "a/b", "a\0b", ""])
def test_an_id_can_not_lead_out_of_the_photographs(tmp_path, student_id):
    put(tmp_path / "S1", "1.jpg", b"x")
    (tmp_path / "photos").mkdir()
    with pytest.raises(PhotographError, match="folder name"):
        photographs_of(tmp_path / "photos", student_id)


def test_a_students_folder_that_is_a_link_out_is_refused(tmp_path):
    put(tmp_path / "S1", "1.jpg", b"x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "S1").symlink_to(tmp_path / "S1")
    with pytest.raises(PhotographError, match="leads out"):
        photographs_of(tmp_path / "photos", "S1")


def test_an_id_too_long_for_a_folder_is_named_and_no_failure(tmp_path):
    with pytest.raises(PhotographError, match="too long"):
        photographs_of(tmp_path, "x" * 300)


@pytest.mark.parametrize("student_id", ['O\'Brien "Bob"', "😀👩‍👧", "محمد", "=cmd|x"])
def test_odd_ids_find_their_folders(tmp_path, student_id):
    put(tmp_path / student_id, "1.jpg", b"x")
    assert len(photographs_of(tmp_path, student_id)) == 1


def test_a_folder_named_on_a_mac_is_found(tmp_path):
    put(tmp_path / unicodedata.normalize("NFD", "Größe"), "1.jpg", b"x")
    assert len(photographs_of(tmp_path, unicodedata.normalize("NFC", "Größe"))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (20000, 1, 3), (1, 20000, 3)])
@pytest.mark.parametrize("encode", [make.png, make.jpeg])
def test_a_picture_of_any_shape_is_read(tmp_path, shape, encode):
    picture = read_photograph_here(put(tmp_path, "a.png", encode(np.full(shape, 90, np.uint8)))).picture
    assert max(picture.shape[:2]) == min(max(shape[:2]), WORKING_SIDE_PX)


@given(st.sampled_from([make.jpeg(make.portrait()), make.png(make.portrait())]), st.data())
def test_a_spoiled_file_is_a_reason_and_never_a_crash(whole, data):
    at = data.draw(st.integers(0, len(whole) - 1))
    noise = data.draw(st.binary(max_size=30))
    try:
        header = read_header(whole[:at] + noise + whole[at + len(noise) :])
    except ImageFileError:
        return
    assert header.width_px * header.height_px >= 0
