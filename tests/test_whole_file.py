"""A file that is replaced is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_daemon.attendance.export import write_whole
from edge_daemon.errors import RegisterError
from edge_daemon.whole_file import replace_file, unusable_output


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    (tmp_path / ".a.part").write_bytes(b"of a process that was killed")
    replace_file(path, b"new", mode=0o640, durable=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", ".a.part"])
def test_a_link_is_replaced_and_not_followed(tmp_path, name):
    other = tmp_path / "other"
    other.write_bytes(b"of somebody else")
    (tmp_path / name).symlink_to(other)
    replace_file(tmp_path / "a", b"new")
    assert other.read_bytes() == b"of somebody else"
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("unique", [True, False])
def test_on_a_full_disk_the_old_file_stays_and_no_part_is_left(tmp_path, monkeypatch, unique):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new", durable=True, unique=unique)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_that_write_at_once_have_a_part_each(tmp_path, monkeypatch):
    seen = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda part, path: (seen.append(part.name), real(part, path)))
    for text in (b"one", b"two"):
        replace_file(tmp_path / "a", text, unique=True)
    assert len(set(seen)) == 2


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "link to an open file"])
def test_a_path_that_is_no_regular_file_is_refused_and_stays(tmp_path, kind):
    path, other = tmp_path / "out.csv", tmp_path / "other"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a pipe":
        os.mkfifo(other)
        path.symlink_to(other)
    else:
        path.symlink_to(f"/proc/self/fd/{os.open(other, os.O_WRONLY | os.O_CREAT)}")
    before = [(one.name, one.lstat().st_ino) for one in sorted(tmp_path.iterdir())]
    with pytest.raises(OSError, match="is not a regular file"):
        replace_file(path, b"new")
    with pytest.raises(RegisterError, match="can't be written: is not a regular file"):
        write_whole(path, lambda part: part.touch())
    assert unusable_output(path) == ("is not a regular file", str(path), "name a file")
    assert [(one.name, one.lstat().st_ino) for one in sorted(tmp_path.iterdir())] == before
