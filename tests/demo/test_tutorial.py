"""docs/first-classroom.md: every command of it works, one after the other, with a small class."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.demo_lesson import PORTRAITS, compose, shrink

PAGE = Path(__file__).parents[2] / "docs" / "first-classroom.md"


def commands() -> list[list[str]]:
    """Return the commands of the page that need no installation, without `edge-daemon --home class`."""
    lines = re.findall(r"^    edge-daemon --home class (.*)$", PAGE.read_text("utf-8"), re.M)
    return [shlex.split(line) for line in lines]


def written(language: str) -> str:
    """Return the one file that the page shows in this language."""
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    return str(text)


@pytest.fixture
def school(tmp_path, monkeypatch) -> Path:
    """A folder in which somebody has done what the page asks for, up to the first command."""
    monkeypatch.chdir(tmp_path)
    (make,) = re.findall(r"^    (mkdir .*)$", PAGE.read_text("utf-8"), re.M)
    subprocess.run(shlex.split(make), check=True)
    shutil.copytree(PORTRAITS, "class/photographs")
    shrink(compose(tmp_path / "large", 0, 1), Path("class/pictures"), 960)
    for name, language in (("roster.csv", "csv"), ("config.toml", "toml"), ("lessons.ics", "ics")):
        Path("class", name).write_text(written(language), encoding="utf-8")
    return tmp_path


def test_every_command_of_the_tutorial_works_with_a_small_class(school):
    outputs: dict[str, list[str]] = {}
    register_id = ""
    for words in commands():
        if outputs.get("register correct") and words[:2] == ["enrol", "import"]:  # the page asks for this change
            roster = Path("class/roster.csv")
            roster.write_text(roster.read_text("utf-8").replace("S1,Eileen Collins,,,yes", "S1,Eileen Collins,,,no"))
        result = run(Path("class"), *[register_id if word == "ID" else word for word in words])
        assert result.exit_code == 0, (words, result)
        outputs.setdefault(" ".join(words[:2]), []).append(result.stdout)
        if words[:2] == ["register", "list"]:
            register_id = re.findall(r"^([0-9a-f]{8}) ", result.stdout, re.M)[0]
    assert Path("class").stat().st_mode & 0o777 == 0o700  # `doctor` refuses a home that others can read
    assert [path.name for path in school.iterdir() if path.name not in ("class", "large")] == []  # git ignores `class`
    assert "lessons within a year, in R101" in outputs["timetable check"][0]
    assert outputs["timetable show"][0].count("History 7b") == 2
    assert re.search(r"S3 +Grace Hopper +present", outputs["register show"][0])
    assert re.search(r"without consent +2", outputs["enrol import"][-1])
    for name in ("class/room.png", "class/register.xlsx", "class/S1.html"):
        assert Path(name).stat().st_size > 1000, name
