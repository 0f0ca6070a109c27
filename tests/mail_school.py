"""A school whose lessons have everything that a message may contain, for tests of mail and for reading by eye."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.notices.outbox_rows import outbox_writer
from edge_daemon.app.opening.signer import open_signer
from edge_daemon.attendance.document import from_json, sign
from edge_daemon.attendance.register import correct
from edge_daemon.home import Home
from edge_daemon.store import registers
from edge_daemon.store.database import open_register, transaction
from edge_daemon.types import MissedCapture
from tests.cli.running import run
from tests.registers import a_lesson, a_register, keep

FRIDAY = datetime(2026, 11, 20, 9, 15, tzinfo=timezone.utc)
SCRIPT = '<script>alert(1)</script> & "Söhne"'
NAMES = (
    ("S01", "Ada Adler", "ada@school.example", "adler@home.example"),
    ("S02", "Björn Ångström-van der Vorstenbosch-Lindqvist", "bjorn@school.example", "ang@home.example"),
    ("S03", SCRIPT, "script@school.example", "parents3@home.example"),
    ("S04", "Dora Dahl", "dora@school.example", ""),
    ("S05", "Émile Étienne", "", "etienne@home.example"),
    ("S06", "Fatima Farouk", "fatima@school.example", "farouk@home.example"),
    ("S07", "Gao Guanyu 高关羽", "gao@school.example", "guanyu@home.example"),
    ("S08", "Hanna Huber", "hanna@school.example", "huber@home.example"),
)
SHARES = {"S01": 0.0, "S02": 0.41, "S03": 0.36, "S04": 0.9, "S05": 0.95, "S06": 1.0, "S07": 0.85, "S08": 0.0}
"""S01 is absent; S02 is present and S03 absent, both close to the limit; S08 is not assessed."""
SETTINGS = """
[device]
name = "room 204"
time_zone = "Europe/Berlin"

[mail]
host = "mail.school.example"
from = "attendance@school.example"
office = ["office@school.example", "deputy@school.example", "archive@school.example"]
students = true
guardians = true
"""


def make(folder: Path, settings: str = SETTINGS) -> Home:
    """Return a home with this school enrolled, and no lesson yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    roster = folder / "roster.csv"
    lines = ["student_id,name,email,guardian_email,consent,courses,teacher_email"]
    for student_id, name, email, guardian in NAMES:
        quoted = name.replace('"', '""')
        lines.append(
            f'{student_id},"{quoted}",{email},{guardian},{"no" if student_id == "S08" else "yes"},7b,tea@school.example'
        )
    roster.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run(folder, "enrol", "import", str(roster))
    assert result.exit_code == 0, result.stderr
    return Home(folder)


def hold(
    home: Home,
    start: datetime = FRIDAY,
    shares: dict[str, float] | None = None,
    course: str = "7b",
    captures: int = 100,
) -> str:
    """Hold a lesson; return its id."""
    lesson = a_lesson(start, course)
    missed = [MissedCapture(3, "no picture in time"), MissedCapture(9, "no picture in time")]
    register, sightings = a_register(
        lesson, shares or SHARES, captures=captures, missed=missed, not_assessed=["S08"], strangers=0.05
    )
    db = open_register(home.register_db_path)
    keep(db, register, sightings, open_signer(home), outbox_writer(home.config))
    db.conn.close()
    return lesson.lesson_id


def hold_week(home: Home) -> list[str]:
    """Hold three lessons a day from Monday to Friday."""
    starts = [FRIDAY - timedelta(days=day, hours=hour) for day in range(4, -1, -1) for hour in (2, 1, 0)]
    day_off = {**SHARES, "S04": 0.0, "S01": 0.8}
    return [
        hold(home, start, day_off if number % 4 == 1 else SHARES, ("7b", "Mathematik", "Physik")[number % 3], 20)
        for number, start in enumerate(starts)
    ]


def decide(home: Home, lesson_id: str, student_id: str, verdict: str, at: datetime) -> None:
    """Correct a register like `register correct`, at a given time."""
    signer = open_signer(home)

    def render(last: registers.StoredRegister) -> str:
        register = from_json(last.document).register
        corrected = correct(register, student_id, verdict, by="Ms Meyer", reason="was at the doctor's", at=at)
        return sign(corrected, last.sha256, signer)

    db = open_register(home.register_db_path)
    with transaction(db):
        registers.add_revision(db, lesson_id, render, at, outbox_writer(home.config))
    db.conn.close()
