"""The office's documents are applied: each as a whole, despite interruptions, and never during a lesson."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_daemon.app.capture.plan_recorder import begin, plan_ahead
from edge_daemon.app.inbox.apply import InboxResult, apply_by_hand, apply_inbox
from edge_daemon.app.inbox.waiting import alone, busy, inbox_dir, waits, wanted_names
from edge_daemon.app.notices.sealed_contacts import read_contacts
from edge_daemon.app.opening.models_and_gallery import open_gallery_store
from edge_daemon.app.opening.timetable_files import (
    pulled_timetable,
    read_timetable,
    timetable_of_files,
    watch_timetable,
)
from edge_daemon.app.upkeep.maintenance import back_up
from edge_daemon.attendance.document import from_json
from edge_daemon.device.clock import Reading
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer, is_signed_by
from edge_daemon.errors import DeliveryError, StoreError
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import gallery as tables
from edge_daemon.store import outbox, registers
from edge_daemon.store.backup import backups
from edge_daemon.store.daily_events import events
from edge_daemon.store.database import open_gallery, open_register
from edge_daemon.store.pulled import pulled_document
from tests.gallery.school import School
from tests.lesson.calendar_files import calendar, event, lesson
from tests.registers import SEEDS, START, a_home, a_lesson, a_register

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
HEADER = "student_id,name,email,guardian_email,consent\n"
LESSON = a_lesson(START).lesson_id
ALL = ("roster.csv", "withdrawals.json", "corrections.json", "timetable.ics")


class Box:
    """A device with three students, templates of two, and the register of one lesson."""

    def __init__(self, folder: Path) -> None:
        a_home(folder, [a_register(a_lesson(START), {"S1": 0.9, "S2": 0.1, "S3": 0.0})])
        (folder / "config.toml").write_text(
            '[device]\nname = "room 204"\ntime_zone = "Europe/Berlin"\n'
            '[upstream]\npull = ["roster", "corrections", "withdrawals"]\n[timetable]\nfiles = ["upstream"]\n'
        )
        self.home = Home(folder)
        school = School(folder / "school")
        school.write_roster(S1="yes", S2="yes", S3="no")
        for person, student_id in enumerate(("S1", "S2"), 1):
            school.photograph(student_id, person)
        db = open_gallery(self.home.gallery_db_path)
        with closing(db.conn):
            school.enrol(GalleryStore(db, device_key(self.home.key_path)))

    def put(self, name: str, content: str | bytes) -> None:
        inbox_dir(self.home).mkdir(exist_ok=True)
        (inbox_dir(self.home) / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def apply(self, name: str, content: str | bytes, now: datetime = NOW) -> InboxResult:
        self.put(name, content)
        (one,) = apply_inbox(self.home, now)
        assert not list(inbox_dir(self.home).iterdir())
        return one

    def students(self) -> dict[str, tuple[str, bool, bool, int]]:
        store = open_gallery_store(self.home)
        with closing(store.db.conn):
            return {
                r.student.student_id: (r.student.name, r.student.consent, r.on_roster, r.photographs)
                for r in store.records()
            }

    def register(self):
        with closing(open_register(self.home.register_db_path).conn) as conn:
            return registers.latest(_database(conn), LESSON)

    def verdicts(self) -> dict[str, str]:
        return {v.tally.student_id: v.verdict for v in from_json(self.register().document).register.verdicts}

    def pulled_document(self, name: str):
        with closing(open_register(self.home.register_db_path).conn) as conn:
            return pulled_document(_database(conn), name)


def _database(conn):
    import sqlite_utils

    return sqlite_utils.Database(conn, execute_plugins=False)


@pytest.fixture
def box(tmp_path) -> Box:
    return Box(tmp_path / "home")


def roster(**consents: str) -> str:
    return HEADER + "".join(f"{i},New {i},{i}@new.example,,{yes}\n" for i, yes in consents.items())


def correction(**changes: str) -> dict[str, str]:
    return {
        "id": "c1", "lesson_id": LESSON, "student_id": "S2", "verdict": "present", "by": "Ms Weber",
        "reason": "at the nurse's", "at": "2026-11-17T10:00:00Z", **changes,
    }  # fmt: skip


def corrections(*entries: dict[str, str]) -> str:
    return json.dumps({"schema": 1, "corrections": entries})


def withdrawals(*student_ids: str) -> str:
    return json.dumps({"schema": 1, "withdrawals": [{"student_id": i} for i in student_ids]})


# --- the roster -------------------------------------------------------------------------------------------------------


def test_a_roster_changes_names_and_consent_and_keeps_the_templates(box):
    result = box.apply("roster.csv", roster(S1="yes", S2="no", S4="yes"))
    assert result == InboxResult("roster.csv", True, "3 students, 1 of them new, 2 without template; 1 left")
    assert box.students() == {
        "S1": ("New S1", True, True, 1),
        "S2": ("New S2", False, True, 0),
        "S4": ("New S4", True, True, 0),
        "S3": ("Name of S3", False, False, 0),
    }


def test_mail_goes_to_the_new_addresses(box):
    box.apply("roster.csv", roster(S1="yes", S2="yes", S4="yes"))
    with closing(open_register(box.home.register_db_path).conn) as conn:
        contacts = read_contacts(box.home, _database(conn))
    assert contacts["S4"].email == "S4@new.example"
    assert contacts["S1"].name == "New S1"


def test_a_consent_that_goes_with_a_roster_goes_out_of_the_backups_too(box):
    back_up(box.home, NOW)
    old = backups(box.home.backup_dir, "gallery")[0].path
    box.apply("roster.csv", roster(S1="yes", S2="no", S3="no"))
    assert not old.exists()
    assert backups(box.home.backup_dir, "gallery")


@pytest.mark.parametrize(
    "content",
    [
        HEADER,
        "<html>log in</html>",
        roster(S9="yes"),
        roster(S1="", S2="", S3=""),
        roster(S1="yes", S2="yes") + "../S3,Al,,,yes\n",
        roster(S1="yes", S2="yes") + 'S3,Al,"a@b.example\nBcc: c@d.example",,yes\n',
        b"\xff\xfe",
        b"\x00" * 100,
    ],
)
def test_a_bad_roster_changes_nothing_and_is_reported_without_names(box, content):
    before = box.students()
    result = box.apply("roster.csv", content)
    assert not result.in_force
    assert box.students() == before
    assert box.pulled_document("roster.csv").problem == result.problem
    assert not any(word in result.problem for word in ("S3", "Al", "Bcc", "example"))
    with closing(open_register(box.home.register_db_path).conn) as conn:
        (event,) = events(_database(conn), NOW, NOW + timedelta(hours=1))
    assert (event.event, event.fields["document"]) == ("document refused", "roster.csv")


def test_the_permission_for_a_large_change_is_obeyed_and_not_stored(box):
    text = HEADER.replace("consent", "consent,large_change_until") + "S9,Di,,,yes,2026-11-30\n"
    assert box.apply("roster.csv", text).in_force
    store = open_gallery_store(box.home)
    with closing(store.db.conn):
        assert store.record("S9").extra == {}


def test_a_roster_can_be_the_first_document_that_a_device_receives(tmp_path):
    home = Home(tmp_path / "new")
    home.ensure_state_dir()
    (home.state_dir / "config.toml").write_text('[upstream]\npull = ["roster"]\n')
    (tmp_path / "roster.csv").write_text(roster(S1="yes"))
    (result,) = apply_by_hand(home, [tmp_path / "roster.csv"], NOW)
    assert result.in_force
    store = open_gallery_store(home)
    with closing(store.db.conn):
        assert [s.student_id for s in store.students()] == ["S1"]


# --- withdrawals ------------------------------------------------------------------------------------------------------


def test_a_withdrawal_erases_the_templates_also_in_backups_and_the_register_stays(box):
    back_up(box.home, NOW)
    old = backups(box.home.backup_dir, "gallery")[0].path
    before = box.register().document
    result = box.apply("withdrawals.json", withdrawals("S1", "S3", "X9"))
    assert result.summary == "1 consents taken back, 1 were not given, 1 ids are not known here"
    assert box.students()["S1"] == ("Name of S1", False, True, 0)
    assert not old.exists()
    assert box.register().document == before


def test_a_roster_that_is_older_does_not_give_a_consent_back_until_the_list_does(box):
    box.apply("withdrawals.json", withdrawals("S1"))
    box.apply("roster.csv", roster(S1="yes", S2="yes", S3="no"))
    assert box.students()["S1"] == ("New S1", False, True, 0)
    box.apply("withdrawals.json", withdrawals())
    box.apply("roster.csv", roster(S1="yes", S2="yes", S3="no"))
    assert box.students()["S1"] == ("New S1", True, True, 0)


def test_withdrawals_come_after_the_roster_of_the_same_time(box):
    box.put("roster.csv", roster(S1="yes", S2="yes", S3="yes"))
    box.put("withdrawals.json", withdrawals("S3"))
    assert [one.document for one in apply_inbox(box.home, NOW)] == ["roster.csv", "withdrawals.json"]
    assert box.students()["S3"][1] is False


# --- corrections ------------------------------------------------------------------------------------------------------


def test_a_correction_becomes_a_signed_revision_that_is_delivered(box):
    first = box.register()
    result = box.apply("corrections.json", corrections(correction()))
    assert (result.in_force, result.problem) == (True, "")
    assert result.summary.startswith("1 revisions made")
    stored = box.register()
    fields = json.loads(stored.document)
    assert (stored.revision, fields["previous_sha256"]) == (2, first.sha256)
    assert is_signed_by(fields, Signer(device_key(box.home.key_path)).public_key)
    assert fields["corrections"] == [
        {"at": "2026-11-17T10:00:00Z", "by": "Ms Weber", "reason": "other", "reason_code": "other",
         "student_id": "S2", "title": None, "verdict": "present"}
    ]  # fmt: skip
    assert box.verdicts()["S2"] == "present"
    with closing(open_register(box.home.register_db_path).conn) as conn:
        refs = [one.ref for one in outbox.listed(_database(conn), ("waiting",))]
    assert f"{LESSON}/2" in refs


def confirmation(**changes: str) -> dict[str, str]:
    fields = {"id": "h1", "lesson_id": LESSON, "confirm": "not_held", "by": "Office", "at": "2026-11-17T12:00:00Z"}
    return {**fields, **changes}


def test_the_office_says_that_a_lesson_was_not_held_and_the_list_stays_idempotent(box):
    before = confirmation(id="h0", confirm="held", by="Head", at="2026-11-17T11:00:00Z")
    result = box.apply("corrections.json", corrections(correction(), before, confirmation()))
    assert (result.in_force, result.problem) == (True, "")
    assert result.summary.startswith("3 revisions made")
    fields = json.loads(box.register().document)
    assert fields["confirmed"] == {"at": "2026-11-17T12:00:00Z", "by": "Office", "held": False}
    assert box.verdicts() == {"S1": "present", "S2": "present", "S3": "inconclusive"}
    again = box.apply("corrections.json", corrections(confirmation(), before, correction()))
    assert again.summary.startswith("0 revisions made, 3 corrections were done already")
    assert box.register().revision == 4


def test_a_confirmation_of_an_unknown_lesson_is_left_out(box):
    other = confirmation(lesson_id=LESSON[:-4] + "0000")
    assert "h1" in box.apply("corrections.json", corrections(other)).problem


def test_the_same_list_again_and_with_one_more_makes_only_what_is_new(box):
    c2 = correction(id="c2", verdict="absent", by="Mr Roth", at="2026-11-17T11:00:00Z")
    box.apply("corrections.json", corrections(correction(), c2))
    assert box.register().revision == 3
    box.apply("corrections.json", corrections(c2, correction()))
    assert box.register().revision == 3
    box.apply("corrections.json", corrections(c2, correction(), correction(id="c3", student_id="S3")))
    assert box.register().revision == 4
    assert box.verdicts() == {"S1": "present", "S2": "absent", "S3": "present"}


def test_a_decision_is_identified_by_its_id_and_a_new_one_applies_whatever_its_time(box):
    late = correction(verdict="absent", at="2026-11-17T10:30:00Z")
    box.apply("corrections.json", corrections(late))
    again = box.apply("corrections.json", corrections({**late, "verdict": "present"}))
    assert again.summary.startswith("0 revisions made, 1 corrections were done already"), "that id was taken"
    assert box.verdicts()["S2"] == "absent"
    result = box.apply("corrections.json", corrections(late, correction(id="c9", at="2026-11-17T10:00:00Z")))
    assert result.summary.startswith("1 revisions made")
    assert box.verdicts()["S2"] == "present", "a new decision counts, whatever its time"
    box.apply("corrections.json", corrections(correction(id="c9", at="2026-11-17T10:00:00Z"), late))
    assert box.verdicts()["S2"] == "present", "a list in another order does nothing"


def test_a_correction_that_the_register_already_has_is_done_under_any_id(box):
    box.apply("corrections.json", corrections(correction()))
    result = box.apply("corrections.json", corrections(correction(id="renamed")))
    assert result.summary.startswith("0 revisions made, 1 corrections were done already")


def test_a_list_and_registers_of_the_release_before_are_taken_over_as_they_are(box):
    """4de1fc4 identified decisions by their times, and skipped those that a later one had replaced."""
    mine, overtaken = correction(at="2026-11-17T10:30:00Z"), correction(id="c0", verdict="absent")
    box.apply("corrections.json", corrections(mine))
    with closing(open_register(box.home.register_db_path).conn) as conn:  # as its database is after the migration
        conn.execute("DELETE FROM office_decisions")
        conn.execute("INSERT INTO meta VALUES ('office_decisions_upgraded', '1')")
        conn.commit()
    before = box.register().revision
    result = box.apply("corrections.json", corrections(mine, overtaken))
    assert result.summary.startswith("0 revisions made, 1 corrections were done already, 1 were replaced")
    assert (box.register().revision, box.verdicts()["S2"]) == (before, "present")
    again = box.apply("corrections.json", corrections(overtaken, mine))
    assert again.summary.startswith("0 revisions made, 2 corrections were done already")
    new = correction(id="c5", verdict="absent", at="2026-11-17T10:05:00Z")
    assert box.apply("corrections.json", corrections(overtaken, mine, new)).summary.startswith("1 revisions made")


def test_corrections_of_an_unknown_lesson_or_student_are_left_out_and_reported_and_the_rest_is_done(box):
    unknown = "6f0c36a1-7f7b-5c4e-9d0e-0a1b2c3d4e5f"
    result = box.apply(
        "corrections.json",
        corrections(correction(id="a", lesson_id=unknown), correction(id="b", student_id="X9"), correction()),
    )
    assert result.in_force
    assert result.problem == "2 corrections name a lesson or student that is on no register here: a, b"
    assert box.pulled_document("corrections.json").problem == result.problem
    assert box.register().revision == 2


def test_one_broken_entry_refuses_the_whole_list(box):
    result = box.apply("corrections.json", corrections(correction(), correction(id="c2", verdict="ill")))
    assert (result.in_force, box.register().revision) == (False, 1)
    assert "correction 2, verdict" in result.problem


# --- the timetable ----------------------------------------------------------------------------------------------------


def test_the_offices_timetable_is_in_force_where_the_settings_name_it(box):
    watch = watch_timetable(box.home)
    watch.refresh()
    assert watch.error == "", "that none has come yet is no fault of a file"
    assert timetable_of_files(box.home).lessons(NOW, NOW + timedelta(days=30)) == []
    result = box.apply("timetable.ics", calendar(lesson("20261201T080000")))
    assert result.in_force
    assert watch.refresh()
    assert [x.start.day for x in watch.timetable.lessons(NOW, NOW + timedelta(days=30))] == [1]
    assert len(read_timetable(box.home).lessons(NOW, NOW + timedelta(days=30))) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        calendar(),
        calendar(event("DTSTART;VALUE=DATE:20261201")),
        calendar(lesson("20200302T080000")),
        b"\xff\xfe",
    ],
)
def test_a_broken_or_empty_timetable_never_replaces_a_good_one(box, content):
    box.apply("timetable.ics", calendar(lesson("20261201T080000")))
    before = pulled_timetable(box.home).read_bytes()
    result = box.apply("timetable.ics", content)
    assert (result.in_force, pulled_timetable(box.home).read_bytes()) == (False, before)
    assert box.pulled_document("timetable.ics").problem.startswith("timetable.ics")


# --- when, and by whom ------------------------------------------------------------------------------------------------


def test_only_what_the_settings_want_is_applied(box):
    (box.home.state_dir / "config.toml").write_text('[device]\nname = "room 204"\n')
    home = Home(box.home.state_dir)
    assert wanted_names(home.config) == ("withdrawals.json", "removals.json", "corrections.json", "excuses.json")
    box.put("roster.csv", roster(S1="yes"))
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert not waits(home, db)
        assert apply_inbox(home, NOW) == ()
        box.put("withdrawals.json.taken", withdrawals("S1"))
        assert waits(home, db)


def test_nothing_is_applied_in_a_lesson_nor_shortly_before_one(box):
    db = open_register(box.home.register_db_path)
    coming = a_lesson(NOW + timedelta(hours=1))
    with closing(db.conn):
        plan_ahead(db, [coming], 20, NOW, SEEDS)
        assert busy(db, NOW) == ""
        assert busy(db, coming.start - timedelta(minutes=4)) == ""
        assert "about to begin" in busy(db, coming.start - timedelta(minutes=2))
        assert "is on" in busy(db, coming.start + timedelta(minutes=10))
        assert busy(db, coming.end) == "", "it was never begun"
        begin(db, coming, 20, Reading(coming.start, 10.0, "synchronised", "boot"), SEEDS)
        assert "is on" in busy(db, coming.start + timedelta(minutes=10))
        assert "being finished" in busy(db, coming.end + timedelta(minutes=10))
        assert busy(db, coming.end + timedelta(hours=2)) == "", "what can't be finished holds nothing up"
    with pytest.raises(StoreError, match="nothing changes during a lesson"):
        apply_by_hand(box.home, [], coming.start + timedelta(minutes=10))


def test_one_process_applies_at_a_time(box):
    with alone(box.home), pytest.raises(StoreError, match="another process"):
        apply_inbox(box.home, NOW)


def test_a_file_that_is_none_of_the_documents_is_refused_by_hand(box, tmp_path):
    with pytest.raises(DeliveryError, match="not one of the office's documents"):
        apply_by_hand(box.home, [tmp_path / "students.csv"], NOW)
    with pytest.raises(StoreError, match="can't be read"):
        apply_by_hand(box.home, [tmp_path / "roster.csv"], NOW)


def test_a_document_that_is_too_large_is_refused(box):
    result = box.apply("withdrawals.json", b" " * (2**20 + 1))
    assert (result.in_force, "is larger than 1048576 bytes" in result.problem) == (False, True)


@pytest.mark.parametrize("ending", ["", ".taken", ".done"])
def test_a_link_in_the_inbox_leads_nowhere(box, ending):
    """An attacker in the process with the network may write to the inbox, but must not reach the gallery through it."""
    before = box.home.gallery_db_path.read_bytes()
    inbox_dir(box.home).mkdir()
    (inbox_dir(box.home) / f"roster.csv{ending}").symlink_to(box.home.gallery_db_path)
    assert apply_inbox(box.home, NOW) == ()
    assert box.home.gallery_db_path.read_bytes() == before
    assert list(inbox_dir(box.home).iterdir()) == []


# --- power that fails -------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_each_document_is_in_force_as_a_whole_or_not_at_all_and_the_next_run_completes(tmp_path):
    chance, seen = random.Random(4), set()
    box = Box(tmp_path / "home")
    versions = [
        {
            "roster.csv": roster(S1="yes", S2="yes", S3="no", **{f"N{turn}": "yes" for _ in (1,)}),
            "withdrawals.json": withdrawals(*(("S2",) if turn == 20 else ())),
            "corrections.json": corrections(
                *(correction(id=f"{n}-{s}", student_id=s, by=f"B{n}", at=f"2026-11-18T10:{n:02}:{k:02}Z")
                  for n in range(turn + 1) for k, s in enumerate(("S1", "S2", "S3")))
            ),
        }
        for turn in range(40)
    ]  # fmt: skip
    _timed(box, versions[0])  # libraries are loaded by it
    took_s = min(_timed(box, versions[0]) for _ in range(3))
    for turn, version in enumerate(versions[1:], 1):
        before = _state(box)
        for name, content in version.items():
            box.put(name, content)
        _killed(box.home, chance.uniform(0, 1.5 * took_s))
        state = _state(box)
        seen.add((state["roster"] != before["roster"], state["revision"] != before["revision"]))
        assert state["roster"] in (before["roster"], (f"N{turn}",))
        assert state["revision"] in (before["revision"], before["revision"] + 3), "three corrections or none"
        assert [one.problem for one in apply_inbox(box.home, NOW)] in ([""] * n for n in range(4))
        assert not list(inbox_dir(box.home).iterdir())
        after = _state(box)
        assert after["roster"] == (f"N{turn}",)
        assert after["revision"] == 4 + 3 * turn
        assert after["templates"] == ({"S1": 1, "S2": 1} if turn < 20 else {"S1": 1})
    assert len(seen) >= 2, "some were cut before, some between or after the documents"


def _state(box: Box) -> dict[str, object]:
    students = box.students()
    store = open_gallery_store(box.home)
    with closing(store.db.conn):
        templates = tables.template_counts(store.db)
    new = tuple(i for i, (_, _, on_roster, _) in students.items() if on_roster and i.startswith("N"))
    return {"roster": new, "revision": box.register().revision, "templates": templates}


def _timed(box: Box, version: dict[str, str]) -> float:
    for name, content in version.items():
        box.put(name, content)
    begun = time.monotonic()
    apply_inbox(box.home, NOW)
    return time.monotonic() - begun


def _killed(home: Home, after_s: float) -> None:
    """Apply in a process that is killed; it is forked, so that imports do not count in its time."""
    child = os.fork()
    if child == 0:
        try:
            apply_inbox(home, NOW)
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
