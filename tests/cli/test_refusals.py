"""Input that is refused as a whole: exit code 2, one line that names the place, and nothing changed."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.vision.models import default_models_dir
from tests.cli.running import CommandResult, run
from tests.demo_lesson import DEMO, PORTRAITS
from tests.registers import a_home, a_lesson, a_register

Command = Callable[[Path], CommandResult]


@pytest.fixture
def home(demo_home, tmp_path) -> Path:
    """The demo's students enrolled, and a database of registers."""
    folder = Path(shutil.copytree(demo_home, tmp_path / "home"))
    open_register(folder / "register.sqlite").conn.close()
    return folder


@pytest.fixture(params=["enrol import", "rehearse"])
def command(request, demo_frames) -> Command:
    """A command that reads settings, models and databases, and would write."""
    if request.param == "rehearse":
        return lambda home: run(home, "rehearse", "--frames", str(demo_frames))
    return lambda home: run(home, "enrol", "import", str(DEMO / "roster.csv"), "--photos", str(PORTRAITS))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refusal(command: Command, home: Path) -> str:
    before = files(home)
    result = command(home)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("edge-daemon: ")
    assert result.stderr.count("\n") == 1
    assert files(home) == before
    return result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[rule]\nshar = 0.4\n", "rule.shar: unknown key, did you mean rule.share?"),
        ("[lesson]\ncaptures = 'many'\n", 'lesson.captures: expected a whole number from 1 to 1000, found "many"'),
        ("[rule]\nshare = 1.01\n", "rule.share: expected a number above 0 and at most 1, found 1.01"),
        ("[rule]\nshare = 0\n", "rule.share: expected a number above 0 and at most 1, found 0"),
    ],
)
def test_wrong_settings(command, home, text, words):
    (home / "config.toml").write_text(text)
    assert f"{home / 'config.toml'}: {words}; " in refusal(command, home)


def another_models_dir(home: Path, folder: Path) -> Path:
    shutil.copytree(default_models_dir(), folder, ignore=shutil.ignore_patterns("build"))
    (home / "config.toml").write_text(f'[models]\ndir = "{folder}"\n')
    return folder


def test_a_model_with_one_flipped_byte(command, home, tmp_path):
    model = another_models_dir(home, tmp_path / "models") / "mobilefacenet_int8.tflite"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 0xFF
    model.write_bytes(data)
    assert f"{model}: " in refusal(command, home)


def test_a_model_that_is_missing(command, home, tmp_path):
    model = another_models_dir(home, tmp_path / "models") / "blazeface_full_576_int8.tflite"
    model.unlink()
    assert f"{model}: " in refusal(command, home)


def test_templates_of_another_model(home, demo_frames):
    (home / "config.toml").write_text('[models]\nembedder = "float32"\n')
    line = refusal(lambda home: run(home, "rehearse", "--frames", str(demo_frames)), home)
    assert "made with another face model" in line
    assert "enrol import` again" in line


def locked(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("enrol", "import", str(DEMO / "roster.csv"), "--photos", str(PORTRAITS)), "gallery.sqlite"),
        (("enrol", "remove", "S1", "--yes"), "gallery.sqlite"),
        (("enrol", "remove", "S1", "--yes"), "register.sqlite"),
        (("rehearse", "--frames", "FRAMES"), "gallery.sqlite"),
        (("rehearse", "--frames", "FRAMES"), "register.sqlite"),
    ],
)
def test_a_database_that_another_process_holds(home, demo_frames, arguments, name, monkeypatch):
    for opener in (open_gallery, open_register):
        monkeypatch.setitem(opener.__kwdefaults__, "busy_timeout_s", 0.1)
    databases = {path: path.read_bytes() for path in home.glob("*.sqlite")}
    with closing(locked(home / name)):
        result = run(home, *(str(demo_frames) if one == "FRAMES" else one for one in arguments))
    assert result.exit_code == 2
    assert f"{name}: " in result.stderr
    assert "locked by another process" in result.stderr
    assert result.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in home.glob("*.sqlite")} == databases


@pytest.mark.parametrize("name", ["gallery.sqlite", "register.sqlite"])
def test_a_database_that_only_a_newer_version_can_read(command, home, name):
    with sqlite3.connect(home / name) as db:
        db.execute("UPDATE meta SET value = '99' WHERE key IN ('schema_version', 'readable_from')")
    db.close()
    line = refusal(command, home)
    assert f"{name}: " in line
    assert "newer version" in line


@pytest.mark.parametrize("name", ["gallery.sqlite", "register.sqlite"])
def test_a_database_that_is_corrupt(command, home, name):
    (home / name).write_bytes(b"not a database, not at all" * 400)
    line = refusal(command, home)
    assert f"{name}: " in line
    assert "corrupt" in line


AS_NOBODY = """
import os, sys
from edge_daemon.__main__ import run
import edge_daemon.cli.register  # first: the checkout may be for its owner only
if os.getuid() == 0:  # who may write everywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


def test_a_database_that_is_read_only():
    register = a_register(a_lesson(), {"a": 1.0})
    with tempfile.TemporaryDirectory() as folder:  # under one that everybody may enter, which pytest's own is not
        home = a_home(Path(folder), [register])
        home.chmod(0o755)
        path = home / "register.sqlite"
        path.chmod(0o444)
        before = path.read_bytes()
        arguments = ["--home", folder, "register", "correct", register[0].lesson.lesson_id, "--student", "a"]
        command = [sys.executable, "-c", AS_NOBODY, *arguments, "--verdict", "absent", "--by", "me", "--reason", "ill"]
        completed = subprocess.run(command, cwd=DEMO.parent, capture_output=True, text=True, timeout=60)
        assert completed.returncode == 2
        assert f"{path}: this user has no right to write the database" in completed.stderr
        assert completed.stderr.count("\n") == 1
        assert path.read_bytes() == before
