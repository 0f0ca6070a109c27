"""`attendance`: the program as the service's user; files that this user can't use are named before anything starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "provisioning" / "device" / "attendance"
SERVICE = "--reuid=edge-daemon --regid=edge-daemon"
NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may be another")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can enter, with a home in it that only its owner can."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "home" / "photos" / "s1").mkdir(parents=True)
        (Path(name) / "home").chmod(0o700)
        (Path(name) / "home" / "ROSTER.csv").write_text("student_id,consent\n")
        yield Path(name)


def attendance(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with a user that every system has and a systemd-run that only says what it is to start."""
    text = SCRIPT.read_text()
    assert SERVICE in text
    script, tools = folder / "attendance", folder / "tools"
    script.write_text(text.replace(SERVICE, f"--reuid={NOBODY} --regid={NOBODY}"))
    tools.mkdir(exist_ok=True)
    (tools / "systemd-run").write_text('#!/bin/sh\nfor last; do :; done; echo "starts ... $last"\n')
    (tools / "systemd-run").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", script, *arguments], cwd=folder / "home", env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("enrol", "import", "ROSTER.csv"), "ROSTER.csv: the user edge-daemon can't read it"),
        (("enrol", "import", "/etc/hostname", "--photos", "photos"), "photos: the user edge-daemon can't read it"),
        (("export", "--from", "2026-11-01", "--output", "ONE.csv"), "ONE.csv: the user edge-daemon can't write there"),
        (("mail", "preview", "abc", "--output", "photos"), "photos: the user edge-daemon can't write there"),
    ],
)
def test_a_file_in_a_closed_home_is_refused_in_one_line_with_a_folder_that_works(folder, arguments, named):
    done = attendance(folder, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attendance: {named}; work in a folder of its own: install -d ")


def test_in_the_folder_that_it_names_files_are_read_and_results_written(folder):
    subprocess.run(["install", "-d", "-m", "770", "-o", str(NOBODY), folder / "home"], check=True)
    done = attendance(folder, "enrol", "import", "ROSTER.csv", "--photos", "photos")
    assert (done.returncode, done.stdout, done.stderr) == (0, "starts ... photos\n", "")
    assert attendance(folder, "export", "--output", "ONE.csv").stdout == "starts ... ONE.csv\n"


def test_a_command_without_files_starts_from_any_folder(folder):
    """Also where a folder has the name of a word: photographs lie in folders of the students' ids."""
    assert attendance(folder, "enrol", "remove", "photos").stdout == "starts ... photos\n"
