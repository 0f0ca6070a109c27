"""Documents of schema 3 at an office with an older program, and documents of a later schema at a current office."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.attendance.document import SCHEMA
from edge_daemon.device.signing import signed
from edge_daemon.traits import MaskCounts
from edge_daemon.types import AppliedRule, CaptureMap, Confirmation, Register, Resemblance, RoomSeat
from tests.cli.running import run
from tests.office_tree import OfficeRoom
from tests.registers import START

ROOT = Path(__file__).parents[2]
RELEASE_BEFORE = "4de1fc4"


@pytest.fixture(scope="module")
def program_before(tmp_path_factory) -> Path:
    """The package at commit 4de1fc4."""
    has_it = subprocess.run(
        ["git", "cat-file", "-e", f"{RELEASE_BEFORE}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
    )
    if has_it.returncode:
        pytest.skip(f"the repository's history does not reach {RELEASE_BEFORE}: a shallow clone, or an export")
    folder = tmp_path_factory.mktemp("release-before")
    packed = subprocess.run(
        ["git", "archive", RELEASE_BEFORE, "edge_daemon"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "x"], cwd=folder, input=packed, check=True)
    return folder


def every_key(register: Register) -> Register:
    """Return a register that uses every key of schema 3."""
    first, second, *others = register.verdicts
    return replace(
        register,
        rule=AppliedRule(0.4, 50, 0.5, 0.25, "0.2.0", {"embedder": "embedder-int8"}),
        register_flags=("unusual_class", "too_dark"),
        confirmed=Confirmation(held=True, by="Office", at=START + timedelta(hours=2)),
        mask=MaskCounts(20, 3, 1, 2),
        verdicts=(
            replace(first, probability=0.98, checked_in_at=START, captures=CaptureMap(b"\xff" * 3, b"\xf0" * 3)),
            replace(second, resembles=Resemblance(0.4, RoomSeat(2, 5)), flags=("resembles", "face_hidden")),
            *others,
        ),
    )


def test_the_release_before_reads_the_documents_of_this_release(program_before, tmp_path):
    room = OfficeRoom(tmp_path / "server", "room 1")
    first = every_key(room.register(START, {"a": 1.0, "b": 0.0, "c": 0.35}))
    second = every_key(room.register(START + timedelta(days=1), {"a": 0.0, "b": 1.0, "c": 0.9}))
    room.deliver(first)
    room.deliver(second)
    corrected = room.correct(second, "a", "present")
    output = tmp_path / "term.csv"
    command = [sys.executable, "-m", "edge_daemon", "collect", str(tmp_path / "server"), "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(program_before)}
    completed = subprocess.run(
        command, cwd=program_before, env=environment, check=False, capture_output=True, text=True
    )
    assert completed.returncode == 0, completed.stderr
    where = subprocess.run(
        [sys.executable, "-c", "import edge_daemon; print(edge_daemon.__file__)"],
        cwd=program_before,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(program_before) in where, "it is that release which reads"
    lines = {(row["date"], row["student_id"]): row for row in csv.DictReader(output.open(encoding="utf-8-sig"))}
    expected = {
        (f"{register.lesson.start:%Y-%m-%d}", v.tally.student_id): (v, register.revision)
        for register in (first, corrected)
        for v in register.verdicts
    }
    assert lines.keys() == expected.keys()
    for key, (verdict, revision) in expected.items():
        line = lines[key]
        assert (line["verdict"], line["revision"]) == (verdict.verdict, str(revision))
        assert (line["share"], line["flags"]) == (f"{verdict.share:.4f}", " ".join(verdict.flags))
        assert line["frames_seen"] == str(verdict.tally.captures_seen)
    assert lines["2026-11-17", "a"]["correction_reason"] == "sat behind a pillar"


def test_a_document_of_a_later_schema_is_named_and_the_rest_is_read(tmp_path):
    room = OfficeRoom(tmp_path / "server", "room 1")
    path = room.deliver(room.register(START, {"a": 1.0}))
    later = room.deliver(room.register(START + timedelta(days=1), {"a": 1.0}))
    fields = json.loads(later.read_text("utf-8"))
    later.write_text(signed({**fields, "schema": SCHEMA + 1, "weather": "rain"}, room.signer), "utf-8")
    output = tmp_path / "term.csv"
    result = run(tmp_path / "no home", "collect", str(tmp_path / "server"), "--output", str(output))
    assert result.exit_code == 3, result.stderr
    assert f"has the newer schema {SCHEMA + 1}: update this program, which reads schema {SCHEMA}" in result.stderr
    assert later.name in result.stderr
    (line,) = csv.DictReader(output.open(encoding="utf-8-sig"))
    assert line["lesson_id"] == json.loads(path.read_text("utf-8"))["lesson_id"]
