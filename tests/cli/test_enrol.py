"""`edge-daemon enrol` from end to end: free portraits, the real models, real files."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.store import outbox
from edge_daemon.store.database import open_register, transaction
from tests.cli.running import CommandResult, run
from tests.demo_lesson import PORTRAITS
from tests.gallery.pictures import claiming_png, jpeg, rotated_by_exif
from tests.gallery.school import NOW
from tests.gallery.sightings import put_sightings

HEADER = "student_id,name,email,guardian_email,consent,courses\n"


class Office:
    """A roster and photographs that a test may change."""

    def __init__(self, folder: Path) -> None:
        self.home, self.roster, self.photos = folder / "home", folder / "roster.csv", folder / "photos"
        shutil.copytree(PORTRAITS, self.photos)
        self.write("S1,Eileen Ärmel,s1@school.example,p1@home.example,yes,Maths", "S2,Bo,,,yes,", "S3,Cy,,,no,")

    def write(self, *rows: str) -> None:
        self.roster.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")

    def imported(self, *options: str) -> CommandResult:
        return run(self.home, "enrol", "import", str(self.roster), "--photos", str(self.photos), *options)

    def listed(self) -> list[dict[str, object]]:
        result = run(self.home, "enrol", "list", "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def portrait(self, student_id: str) -> np.ndarray:
        return cv2.imread(str(sorted((self.photos / student_id).iterdir())[0]))

    def put(self, name: str, picture: np.ndarray) -> None:
        (self.photos / name).parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(self.photos / name), picture)


@pytest.fixture
def office(tmp_path) -> Office:
    return Office(tmp_path)


@pytest.fixture(scope="module")
def enrolled_home(tmp_path_factory) -> Path:
    office = Office(tmp_path_factory.mktemp("enrolled"))
    assert office.imported().exit_code == 0
    return office.home


@pytest.fixture
def enrolled(office, enrolled_home) -> Office:
    shutil.copytree(enrolled_home, office.home)
    return office


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_no_photograph_is_decoded_by_the_process_that_has_the_keys(office, monkeypatch, options):
    def decoded_here(*_: object) -> None:
        raise AssertionError("decoded beside the keys")

    monkeypatch.setattr(cv2, "imdecode", decoded_here)
    result = office.imported(*options)
    assert (result.exit_code, result.stderr.count("decoded beside")) == (0, 0), result.stderr
    if not options:
        assert {one["student_id"]: one["photographs"] > 0 for one in office.listed()}["S1"]


def test_portraits_become_templates(office):
    result = office.imported("--json")
    assert result.exit_code == 0
    assert f"warning: {office.home} was not there before: it is a new installation now\n" in result.stderr
    assert json.loads(result.stdout) == {"accepted": 3, "refused": [], "students_without_template": ["S3"]}
    assert [(r["student_id"], r["photographs"]) for r in office.listed()] == [("S1", 1), ("S2", 2), ("S3", 0)]
    assert office.listed()[2]["expected_naming"]["28"] == 0 < office.listed()[0]["expected_naming"]["28"]
    assert (office.home / "device.key").stat().st_mode & 0o777 == 0o600


def test_every_bad_photograph_is_one_warning_with_its_reason(office):
    office.home.mkdir()
    one, other = office.portrait("S1"), office.portrait("S2")
    height = min(len(one), len(other))
    office.put("S1/two.jpg", np.hstack([one[:height], other[:height]]))
    office.put("S1/none.png", np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8))
    office.put("S1/tiny.png", cv2.resize(other, (64, 64), interpolation=cv2.INTER_AREA))
    office.put("S1/dark.png", one // 14)
    office.put("S1/blurred.png", cv2.GaussianBlur(other, (0, 0), 13))
    whole = next((office.photos / "S1").glob("*.jpg")).read_bytes()
    (office.photos / "S1" / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (office.photos / "S1" / "text.jpg").write_text("no picture")
    (office.photos / "S1" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (office.photos / "S1" / "link.jpg").symlink_to("/etc/hostname")
    (office.photos / "S1" / "huge.png").write_bytes(claiming_png(40_000, 30_000))
    (office.photos / "S1" / "heavy.jpg").write_bytes(whole)
    os.truncate(office.photos / "S1" / "heavy.jpg", 31 * 2**20)
    office.put("S1/other.jpg", other)
    result = office.imported("--json")
    assert result.exit_code == 0
    reasons = {Path(r["photograph"]).name: r["reason"] for r in json.loads(result.stdout)["refused"]}
    words = {
        "two.jpg": "2 faces",
        "none.png": "no face",
        "tiny.png": "too small",
        "dark.png": "too dark",
        "blurred.png": "blurred",
        "truncated.jpg": "truncated",
        "text.jpg": "not a JPEG, PNG",
        "phone.heic": "convert it to JPEG",
        "link.jpg": "leads out of the folder",
        "huge.png": "larger than 35 megapixels",
        "heavy.jpg": "larger than 30 MiB",
        "other.jpg": "different person",
    }
    assert {name: words.get(name, "?") in text for name, text in reasons.items()} == dict.fromkeys(words, True), reasons
    warnings = result.stderr.splitlines()
    assert len(warnings) == len(words) + 1, "and one about the photograph of S3, who does not consent"
    assert all(line.startswith("warning: ") for line in warnings)


def test_an_exif_rotated_and_a_grey_photograph_are_enrolled_and_agree_with_the_upright_one(office):
    upright = office.portrait("S1")
    sideways = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    (office.photos / "S1" / "phone.jpg").write_bytes(rotated_by_exif(jpeg(sideways), 6))
    office.put("S1/grey.png", cv2.cvtColor(upright, cv2.COLOR_BGR2GRAY))
    report = json.loads(office.imported("--json").stdout)
    assert (report["accepted"], report["refused"]) == (5, [])


def test_a_person_under_two_ids_is_warned_about_once(office):
    shutil.copytree(office.photos / "S2", office.photos / "S4")
    office.write("S2,Bo,,,yes,", "S4,Bo again,,,yes,")
    result = office.imported()
    (warning,) = [line for line in result.stderr.splitlines() if "S2 and S4" in line]
    assert warning.startswith("warning: students S2 and S4: the same photograph; ")
    assert "look-alike pairs        1" in result.stdout
    assert run(office.home, "enrol", "show", "S2", "--json").stdout.find('"S4"') > 0


def test_a_student_left_without_template_is_one_warning(office):
    office.write("S1,Al,,,yes,", "S9,Dee,,,yes,")
    result = office.imported()
    assert result.exit_code == 0
    assert [line for line in result.stderr.splitlines() if "S9" in line] == [
        "warning: student S9: no usable photograph, so the register has to be filled in by hand"
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"student_id,name\nS1,Al\n", "missing"),
        ((HEADER + "S1,Al,,,yes,\nS1,Bo,,,yes,\n").encode(), "already on line 2"),
        ((HEADER + ",Al,,,yes,\n").encode(), "empty"),
        (HEADER.encode() + b"S1,Gr\xf6\xdfe,,,perhaps,\n", "line 2: consent is 'perhaps'"),
        (b"", "empty"),
        ((HEADER + "S1,Al,,,yes,\n..,Bo,,,yes,\n").encode(), "line 3: the student_id '..'"),
        ((HEADER + "S1,Al,,,yes,\nS\x002,Bo,,,yes,\n").encode(), "line 3"),
        ((HEADER + "S1,Al,,,yes,\nS\x1b2,Bo,,,yes,\n").encode(), "line 3: the student_id 'S\\x1b2'"),
    ],
)
def test_a_bad_roster_is_one_line_exit_2_and_changes_nothing(enrolled, content, words):
    before = files(enrolled.home)
    enrolled.roster.write_bytes(content)
    result = enrolled.imported()
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert str(enrolled.roster) in result.stderr
    assert files(enrolled.home) == before


def test_a_refused_first_import_leaves_not_even_a_folder(office):
    office.roster.write_text("nonsense")
    assert office.imported().exit_code == 2
    office.write("S1,Al,,,yes,")
    assert run(office.home, "enrol", "import", str(office.roster), "--photos", "/nowhere").exit_code == 2
    assert not office.home.exists()


@pytest.mark.parametrize("folder", ["S2", "..", "empty"])
def test_the_wrong_folder_is_one_line_exit_2_and_changes_nothing(enrolled, folder):
    (enrolled.photos / "empty").mkdir()
    enrolled.photos = enrolled.photos / folder
    before = files(enrolled.home)
    result = enrolled.imported()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"edge-daemon: {enrolled.photos}: no photograph here belongs to a student of this list;"
        " is this the right folder? nothing was changed\n"
    )
    assert files(enrolled.home) == before


def test_a_wrong_folder_leaves_nothing_of_a_first_import(office):
    office.photos = office.photos.parent
    assert office.imported().exit_code == 2
    assert not office.home.exists()
    office.write("S1,Al,,,no,")
    assert office.imported().exit_code == 0, "nobody consents, so nobody can lose anything"


def test_losses_by_the_roster_and_by_the_folder_are_a_line_each(enrolled):
    shutil.rmtree(enrolled.photos / "S1")
    enrolled.write("S1,Al,,,yes,", "S2,Bo,,,no,", "S3,Cy,,,no,")
    without = "had 1 template, and now has no usable photograph"
    assert enrolled.imported("--drop-missing").stderr.splitlines() == [
        "note: student S2: consent withdrawn; templates and key destroyed",
        f"warning: student S1: {without}; import again with one, or fill the register in by hand",
        "warning: student S2: no consent; 2 photographs were not opened; delete them",
        "warning: student S3: no consent; 1 photograph was not opened; delete it",
    ]


def test_ids_and_names_of_every_kind_reach_list_and_show(office):
    odd = ['O\'Brien "Bob"', "😀👩‍👧", "محمد علي", "=cmd|' /C calc'!A0", "x" * 300]
    quoted = ['"' + text.replace('"', '""') + '"' for text in odd]
    office.write(*(f"{text},{text},,,no," for text in quoted))
    assert office.imported().exit_code == 0
    assert [(r["student_id"], r["name"]) for r in office.listed()] == [(text, text) for text in odd]
    for text in odd:
        assert json.loads(run(office.home, "enrol", "show", text, "--json").stdout)["name"] == text
        assert run(office.home, "enrol", "show", text).stdout.startswith("student_id")
    assert len(run(office.home, "enrol", "list").stdout.splitlines()) == len(odd) + 1


def test_an_id_that_no_folder_can_have_is_one_warning(office):
    """An id such as 7/2026 can be no folder: the student stays, and the register is filled in by hand."""
    office.write("S1,Al,,,yes,", "7/2026,Bo,,,yes,", "8/2026,Cy,,,no,")
    result = office.imported()
    assert result.exit_code == 0
    (warning,) = [line for line in result.stderr.splitlines() if "7/2026" in line]
    assert warning == (
        "warning: student 7/2026: the id can't be a folder name; so no photographs are found for this student;"
        " the register has to be filled in by hand"
    )
    assert "8/2026" not in result.stderr


def test_enrol_show_lists_everything_that_is_kept(enrolled):
    record = json.loads(run(enrolled.home, "enrol", "show", "S1", "--json").stdout)
    assert record == {
        "student_id": "S1",
        "name": "Eileen Ärmel",
        "email": "s1@school.example",
        "guardian_email": "p1@home.example",
        "consent": True,
        "courses": ["Maths"],
        "photographs": 1,
        "on_roster": True,
        "extra": {},
        "look_alikes": [],
    }


def test_showing_is_for_people_to_read(office):
    header = HEADER.replace("courses", "courses,Locker")
    office.roster.write_text(header + "S1,Eileen,s1@school.example,,yes,Maths; Art,12\n", encoding="utf-8")
    assert office.imported().exit_code == 0
    lines = run(office.home, "enrol", "show", "S1").stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["student_id", "S1"],
        ["name", "Eileen"],
        ["email", "s1@school.example"],
        ["guardian_email", "-"],
        ["consent", "yes"],
        ["courses", "Maths; Art"],
        ["photographs", "1"],
        ["on_roster", "yes"],
        ["Locker", "12"],
        ["look_alikes", "-"],
    ]


def test_a_removed_student_is_gone_and_the_records_that_stay_are_listed(enrolled):
    result = run(enrolled.home, "enrol", "remove", "S1", "--yes")
    assert result.exit_code == 0
    assert "removed S1" in result.stdout
    assert "stays: registers keep the bare id S1" in result.stdout
    assert [r["student_id"] for r in enrolled.listed()] == ["S2", "S3"]
    # By table, not by bytes: two letters stand by chance in what is sealed, every hundredth time or so.
    with sqlite3.connect(enrolled.home / "gallery.sqlite") as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            assert all("S1" not in row for row in db.execute(f"SELECT * FROM {table}"))
    assert b"Eileen" not in b"".join(files(enrolled.home).values())


class Terminal(io.StringIO):
    """Standard input of a person."""

    def isatty(self) -> bool:
        return True


def test_a_removal_asks_at_a_terminal_and_a_script_has_to_say_yes(enrolled, monkeypatch):
    result = run(enrolled.home, "enrol", "remove", "S1")
    unasked = "edge-daemon: student S1: not removed: without a terminal nobody can be asked; add --yes\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", unasked)
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    result = run(enrolled.home, "enrol", "remove", "S1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Erase S1 (Eileen Ärmel) for good?" in result.stderr
    assert result.stderr.endswith("nothing was removed\n")
    assert len(enrolled.listed()) == 3
    assert "removed S1" in run(enrolled.home, "enrol", "remove", "S1", "--yes").stdout
    monkeypatch.setattr(sys, "stdin", Terminal("S2\ny\n"))
    assert "removed S2" in run(enrolled.home, "enrol", "remove").stdout


def test_at_a_terminal_only_a_student_who_is_here_is_asked_about(enrolled, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal(""))  # Ctrl-D
    result = run(enrolled.home, "enrol", "remove", "S2")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith("\nnothing was removed\n")
    unknown = run(enrolled.home, "enrol", "remove", "S9")
    hint = f"see `edge-daemon --home {enrolled.home} enrol list`"
    assert unknown.stderr == f"edge-daemon: student S9: no such student; {hint}\n"
    assert run(enrolled.home, "enrol", "remove", "S2", "--yes").exit_code == 0
    again = run(enrolled.home, "enrol", "remove", "S2")
    assert (again.exit_code, again.stderr) == (0, "")
    assert again.stdout.startswith("S2 was removed already, on ")


def test_only_an_import_with_photographs_drops_who_is_missing(enrolled):
    result = run(enrolled.home, "enrol", "import", str(enrolled.roster), "--drop-missing")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_removing_twice_says_so_and_changes_nothing_more(enrolled):
    assert run(enrolled.home, "enrol", "remove", "S1", "--yes").exit_code == 0
    before = files(enrolled.home)
    again = run(enrolled.home, "enrol", "remove", "S1", "--yes")
    assert (again.exit_code, again.stderr) == (0, "")
    assert re.fullmatch(r"S1 was removed already, on \d{4}-\d\d-\d\d\n", again.stdout)
    report = json.loads(run(enrolled.home, "enrol", "remove", "S1", "--yes", "--json").stdout)
    assert report["removed_before"]
    assert report["erased"] == []
    assert files(enrolled.home) == before


def test_removing_goes_on_where_it_was_cut_off(enrolled):
    assert run(enrolled.home, "enrol", "remove", "S1", "--yes").exit_code == 0
    db = open_register(enrolled.home / "register.sqlite")
    put_sightings(db, "lesson", NOW, "S1", "S2")
    db.conn.close()
    again = run(enrolled.home, "enrol", "remove", "S1", "--yes")
    assert again.stdout.startswith("S1 was removed already, on ")
    assert "erased: 1 sighting\n" in again.stdout


def test_waiting_mail_about_a_removed_student_is_not_sent(enrolled):
    db = open_register(enrolled.home / "register.sqlite")
    with transaction(db):
        for student_id in ("S1", "S2"):
            outbox.put(
                db, destination="mail", kind="student", ref="lesson", student_id=student_id, not_before=NOW, at=NOW
            )
    assert "erased: 1 mail not sent yet" in run(enrolled.home, "enrol", "remove", "S1", "--yes").stdout
    assert [(one.student_id, one.state) for one in outbox.listed(db, outbox.STATES)] == [
        ("S1", "void"),
        ("S2", "waiting"),
    ]
    db.conn.close()


def test_enrol_remove_without_an_id_is_refused(enrolled):
    result = run(enrolled.home, "enrol", "remove", "S9", "--yes")
    assert result.exit_code == 2
    hint = f"see `edge-daemon --home {enrolled.home} enrol list`"
    assert result.stderr == f"edge-daemon: student S9: no such student; {hint}\n"


def test_sightings_go_with_the_student_and_the_register_keeps_the_id(enrolled):
    db = open_register(enrolled.home / "register.sqlite")
    put_sightings(db, "lesson", NOW, "S1", "S2")
    db.conn.close()
    assert "erased: 1 sighting\n" in run(enrolled.home, "enrol", "remove", "S1", "--yes").stdout
    register = sqlite3.connect(enrolled.home / "register.sqlite")
    assert register.execute("SELECT student_id FROM sightings").fetchall() == [("S2",)]
    assert register.execute("SELECT count(*) FROM registers").fetchone() == (1,)
    register.close()


def test_a_removed_student_comes_back_by_name_only(enrolled):
    run(enrolled.home, "enrol", "remove", "S1", "--yes")
    result = enrolled.imported()
    assert "was removed and stays without template" in result.stderr
    assert enrolled.listed()[0]["photographs"] == 0
    assert enrolled.imported("--readmit", "S1").exit_code == 0
    assert enrolled.listed()[0]["photographs"] == 1


def test_readmitting_a_student_who_is_not_on_the_roster_is_refused_and_changes_nothing(enrolled):
    run(enrolled.home, "enrol", "remove", "S1", "--yes")
    before = files(enrolled.home)
    result = enrolled.imported("--readmit", "S1", "--readmit", "S01")
    assert result.exit_code == 2
    assert result.stderr == (
        "edge-daemon: --readmit: not on this roster: S01; give the id as the roster has it; nothing was changed\n"
    )
    assert files(enrolled.home) == before


def test_a_key_file_that_others_may_read_is_refused(enrolled):
    (enrolled.home / "device.key").chmod(0o644)
    result = run(enrolled.home, "enrol", "list")
    assert result.exit_code == 2
    assert "chmod 600" in result.stderr


def test_another_device_key_is_one_line(enrolled):
    key = enrolled.home / "device.key"
    key.write_bytes(bytes(32))
    for command in (("list",), ("show", "S1"), ("import", str(enrolled.roster), "--photos", str(enrolled.photos))):
        result = run(enrolled.home, "enrol", *command)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert "device key" in result.stderr


def test_before_the_first_import_no_student_is_enrolled(office):
    office.home.mkdir()
    result = run(office.home, "enrol", "list")
    assert result.exit_code == 2
    assert "no such database" in result.stderr


def test_a_corrupt_gallery_is_one_line_and_stays_as_it_is(enrolled):
    path = enrolled.home / "gallery.sqlite"
    path.write_bytes(b"not a database, not at all" * 400)
    before = files(enrolled.home)
    result = enrolled.imported()
    assert result.exit_code == 2
    assert "corrupt" in result.stderr
    assert files(enrolled.home) == before


def test_a_bar_is_shown_on_a_terminal_and_none_in_a_pipe(office):
    office.home.mkdir()
    shutil.rmtree(office.photos / "S3")  # without consent it would be a warning
    command = [sys.executable, "-m", "edge_daemon", "--home", office.home, "enrol", "import", office.roster]
    command += ["--photos", office.photos]
    assert office.imported().stderr == "", "it is no terminal"
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower):
        os.close(follower)
        output = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            output += chunk
    os.close(leader)
    assert b"photographs" in output
    assert b"3/3" in output


def test_ids_that_lost_their_zeros_do_not_take_the_students_off(office):
    office.write("00123,Al,,,no,", "00124,Bo,,,no,")
    assert office.imported().exit_code == 0
    office.write("123,Al,,,no,", "124,Bo,,,no,", "S3,Cy,,,no,")
    result = office.imported()
    assert "left out: line 2: the student_id '123' lost zeros in front: '00123' is enrolled" in result.stderr
    office.write("123,Al,,,no,")
    result = office.imported()
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "'00123' is enrolled" in result.stderr


def test_how_a_list_was_read_is_printed_on_stderr_and_damaged_rows_enrol_no_student(office):
    office.roster.write_bytes(
        "sep=;\r\nSchüler-ID;Name;E-Mail;Eltern-E-Mail;Einwilligung\r\nS1;Zoë;;;nein\r\n2.0261E+11;Bo;;;ja\r\n".encode(
            "cp1252"
        )
    )
    result = office.imported()
    assert result.exit_code == 0
    assert "note: is not UTF-8 and was read as Windows-1252 by guess" in result.stderr
    assert "note: columns: 'Schüler-ID' is student_id" in result.stderr
    assert "left out: line 4: the student_id was shortened by a spreadsheet" in result.stderr


def test_a_dry_run_prints_what_was_understood_and_changes_nothing(office):
    office.write("S1,Eileen Ärmel,s1@school.example,,yes,Maths", "S2,Bo,,,yes,", "S3,Cy,,,no,", "2.0261E+11,Di,,,yes,")
    (office.photos / "Ärmel, Eileen.jpg").write_bytes(b"not decoded")
    (office.photos / "nobody.jpg").write_bytes(b"not decoded")
    (office.photos / "Eileen").mkdir()
    result = office.imported("--dry-run")
    assert result.exit_code == 0, result.stderr
    assert not office.home.exists()
    assert "CSV, ',' between the cells" in result.stdout
    assert "3, 2 of them with consent" in result.stdout
    assert "Ärmel, Eileen.jpg (by name)" in result.stdout
    assert "dry run: warning: nobody.jpg: belongs to no student (no id and no name of the roster" in result.stderr
    assert "dry run: warning: Eileen: photographs of no student on this roster\n" in result.stderr
    assert "dry run: warning: Ärmel, Eileen.jpg: not a JPEG" in result.stderr
    assert result.stdout.rstrip().endswith("nothing was changed")
    assert "left out: line 5: the student_id was shortened" in result.stderr


def test_a_dry_run_says_what_the_import_then_says(enrolled):
    enrolled.write("S1,Eileen Ärmel,,,no,", "S3,Cy,,,yes,", "S4,Di,,,yes,")
    enrolled.put("S3/dark.png", enrolled.portrait("S2") // 14)
    before = files(enrolled.home)
    tried = enrolled.imported("--dry-run", "--json")
    assert files(enrolled.home) == before
    result = enrolled.imported("--json")
    assert (tried.exit_code, tried.stdout) == (result.exit_code, result.stdout)
    said = tried.stderr.splitlines()
    assert all(line.startswith("dry run: ") for line in said)
    assert [line.removeprefix("dry run: ") for line in said] == result.stderr.splitlines()
    for words in ("S1: consent withdrawn", "S2: no longer on this roster", "S3/dark.png: ", "S4: no usable photograph"):
        assert words in tried.stderr


def test_a_page_says_who_was_accepted_and_why_not_until_the_next_import(office):
    office.write("S1,<b>Eileen</b>,,,yes,", "S2,Bo,,,yes,", "S3,Cy,,,no,", "S4,Di,,,yes,")
    office.put("S2/dark.png", office.portrait("S2") // 12)
    assert office.imported().exit_code == 0
    (page,) = [*office.home.rglob("enrolment-report.html")]
    assert page.stat().st_mode & 0o077 == 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;Eileen&lt;/b&gt;" in text
    assert "S2/dark.png: the face is too dark" in text
    for state in ("can be recognised", "no consent: not assessed", "no usable photograph: by hand"):
        assert state in text
    assert "<img" not in text
    assert "default-src 'none'" in text
    assert office.imported("--keep-report").exit_code == 0
    reports = [*page.parent.glob("enrolment-report-*.html")]
    assert len(reports) == 1
    assert reports[0].read_text(encoding="utf-8") == text
    assert run(office.home, "enrol", "import", str(office.roster)).exit_code == 0
    assert not page.exists(), "without photographs there is nothing to say, and the old page goes"
    assert office.imported().exit_code == 0
    assert run(office.home, "enrol", "remove", "S2", "--yes").exit_code == 0
    assert [*page.parent.glob("enrolment-report*")] == [], "a removed student stood on them by name"
