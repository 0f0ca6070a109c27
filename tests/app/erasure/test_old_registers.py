"""Registers are removed after `storage.keep_registers_days`: only if the office has them, and with a signed note."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlite_utils import Migrations

from edge_daemon.app.erasure.old_registers import remove_old_registers
from edge_daemon.app.registers.own_documents import find_tampered
from edge_daemon.app.upkeep.maintenance import retain
from edge_daemon.attendance.document import sign
from edge_daemon.device.clock import Reading
from edge_daemon.device.signing import canonical
from edge_daemon.home import Home
from edge_daemon.store import database, outbox
from edge_daemon.store.alarms import LEDGER, alarms, raise_alarm
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.delivery_file import open_delivery
from edge_daemon.store.migrations import REGISTER
from edge_daemon.store.registers import latest_registers
from edge_daemon.store.removed_registers import are_due
from tests import registers
from tests.cli.running import run as command
from tests.office_server import OfficeServer
from tests.registers import SIGNER, START, a_lesson, a_register, keep
from tests.sync_device import Clock, a_device, add_lessons, document, held_registers, run

DAY = timedelta(days=1)
SETTINGS = "[storage]\nkeep_registers_days = 200\n"
OLD = START + 201 * DAY


@pytest.fixture
def server(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        yield server


@pytest.fixture
def home(tmp_path, server) -> Home:
    """Three lessons that the office has."""
    home = a_device(tmp_path / "home", server, lessons=3, more=SETTINGS)
    home.key_path.write_bytes(bytes(range(32)))  # tests.registers.SIGNER
    home.key_path.chmod(0o600)
    run(home, Clock())
    return home


def reading(at: datetime, state: str = "synchronised") -> Reading:
    return Reading(at, 1000.0, state, "boot")  # type: ignore[arg-type]


def night(home: Home, at: datetime) -> int:
    """Do the work of the night and of the service; return how many registers were removed."""
    due = retain(Home(home.state_dir), at, "synchronised").registers
    went = remove_old_registers(home, reading(at))
    assert went == due
    return went


def nights(home: Home, first: datetime, last: datetime) -> int:
    """Do it once a week; return how many registers the last night removed, and check that no earlier one did."""
    while first < last:
        assert night(home, first) == 0
        first += 7 * DAY
    return night(home, last)


def almost_over(home: Home) -> int:
    """Let the acknowledged lessons become just old enough; the next night removes them."""
    return nights(home, OLD - 38 * DAY, OLD - 3 * DAY)


def after_its_time(home: Home) -> int:
    """Let the acknowledged lessons become old."""
    return nights(home, OLD - 38 * DAY, OLD)


def revisions(home: Home) -> int:
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return db.execute("SELECT count(*) FROM registers").fetchone()[0]


def verified(home: Home, *arguments: str) -> tuple[int, str]:
    result = command(home.state_dir, "ledger", "verify", *arguments)
    return result.exit_code, result.stdout


def change(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.register_db_path)) as db, db:
        for one in statements:
            db.execute(one)


def test_off_by_default_and_nothing_goes(tmp_path, server):
    home = a_device(tmp_path / "other", server)
    home.key_path.write_bytes(bytes(range(32)))
    run(home, Clock())
    assert after_its_time(home) == 0
    assert revisions(home) == 3


def test_registers_at_the_office_are_deleted_after_their_time_and_the_newest_stays(home):
    assert after_its_time(home) == 2
    assert revisions(home) == 1
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert not are_due(db)
        left = {one.lesson_id for one in outbox.listed(db, outbox.STATES) if one.lesson_id}
        assert left == {one.lesson_id for one in latest_registers(db)}
    code, output = verified(home)
    assert code == 0, output
    assert "2 registers were removed after storage.keep_registers_days" in output
    add_lessons(home, [5000])  # the next lesson follows, and the chain goes on
    assert verified(home)[0] == 0


def test_the_chain_is_extended_and_corrected_as_before(home):
    after_its_time(home)
    db = open_register(home.register_db_path)
    with closing(db.conn):
        assert find_tampered(db, SIGNER) == ""
        lesson_id = latest_registers(db)[0].lesson_id
    why = ("--student", "S000", "--verdict", "present", "--by", "T", "--reason", "excused")
    result = command(home.state_dir, "register", "correct", lesson_id, *why)
    assert result.exit_code == 0, result.stderr
    assert verified(home)[0] == 0


def test_nothing_goes_that_the_office_has_not_acknowledged(home):
    change(home, "UPDATE outbox SET state = 'waiting', decision = decision + 100 WHERE item_id = 1")
    assert after_its_time(home) == 1
    assert revisions(home) == 2


def test_a_report_that_was_taken_over_yesterday_is_not_enough(home):
    assert nights(home, OLD, OLD + 29 * DAY) == 0, "noted for the first time"
    assert night(home, OLD + 31 * DAY) == 2


def test_a_clock_that_jumps_a_year_ahead_makes_no_days(home):
    assert nights(home, START + 2 * DAY, START + 60 * DAY) == 0, "the office has had them for 58 days"
    assert remove_old_registers(home, reading(OLD + 200 * DAY)) == 0
    assert night(home, OLD + 200 * DAY) == 0
    assert night(home, START + 61 * DAY) == 0
    assert nights(home, OLD - 38 * DAY, OLD) == 2, "by a clock that is right they go as before"


def test_a_register_that_is_sent_again_begins_its_30_days_anew(home):
    assert almost_over(home) == 0
    change(home, "UPDATE outbox SET state = 'waiting' WHERE destination = 'upstream'")
    assert night(home, OLD - 2 * DAY) == 0
    change(home, "UPDATE outbox SET state = 'delivered' WHERE destination = 'upstream'")
    assert nights(home, OLD, OLD + 31 * DAY) == 2


def test_a_delivery_that_is_reported_without_the_documents_sha256_counts_for_nothing(home):
    change(home, f"UPDATE outbox SET receipt_sha256 = '{'0' * 64}', reported = 1 WHERE destination = 'upstream'")
    assert after_its_time(home) == 0


def test_nothing_goes_while_an_alarm_stands(home):
    assert almost_over(home) == 0
    db = open_register(home.register_db_path)
    with closing(db.conn):
        raise_alarm(db, LEDGER, "a register is not what was signed", OLD)
    assert night(home, OLD) == 0
    assert revisions(home) == 3


def test_under_an_untrusted_clock_no_register_is_deleted(home):
    assert almost_over(home) == 0
    assert retain(home, OLD, "unsynchronised").skipped
    assert remove_old_registers(home, reading(OLD, "unsynchronised")) == 0
    assert revisions(home) == 3


def test_a_clock_that_was_ahead_when_it_was_noted_shortens_no_wait(home):
    text = home.config_path.read_text().replace("keep_registers_days = 200", "keep_registers_days = 10")
    home.config_path.write_text(text)
    home = Home(home.state_dir)
    assert night(home, START + 150 * DAY) == 0
    assert night(home, START + 2 * DAY) == 0, "the clock is right again, and the 30 days begin now"
    assert nights(home, START + 8 * DAY, START + 29 * DAY) == 0
    assert night(home, START + 33 * DAY) == 2


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (("DROP TRIGGER registers_never_go", "DELETE FROM registers"), "was removed"),
        (
            ("DROP TRIGGER retention_notes_never_go", "DELETE FROM removed_registers", "DELETE FROM retention_notes"),
            "was removed",
        ),
        (
            (
                "DROP TRIGGER retention_notes_never_change",
                "UPDATE retention_notes SET document = replace(document, '\"revision\":1', '\"revision\":2')",
            ),
            "is not signed by this device",
        ),
    ],
)
def test_a_gap_that_no_signed_note_documents_is_named(home, damage, named):
    after_its_time(home)
    add_lessons(home, [5000])
    change(home, *damage)
    code, output = verified(home)
    assert code == 1
    assert named in output


def test_a_note_that_another_device_signed_covers_no_gap(home):
    after_its_time(home)
    code, output = verified(home, "--key", "ab" * 32)
    assert code == 1
    assert "retention note 1" in output


def test_a_register_can_not_be_deleted_without_its_note(home):
    with pytest.raises(sqlite3.IntegrityError, match="a register is immutable"):
        change(home, "DELETE FROM registers")
    after_its_time(home)
    with pytest.raises(sqlite3.IntegrityError, match="immutable"):
        change(home, "DELETE FROM retention_notes")


def test_export_student_file_and_ledger_say_what_is_not_here_any_more(home, tmp_path):
    after_its_time(home)
    output = tmp_path / "term.csv"
    result = command(home.state_dir, "export", "--from", "2026-11-01", "--to", "2026-11-30", "--output", str(output))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("1 register written")
    assert "2 more were removed here after their time, and the office has them" in result.stdout
    change(home, "DROP TRIGGER registers_never_go", "DELETE FROM sightings", "DELETE FROM registers")
    gone = command(home.state_dir, "export", "--from", "2026-11-01", "--to", "2026-11-30", "--output", str(output))
    assert gone.exit_code != 0
    assert "2 registers of these days were removed after storage.keep_registers_days" in gone.stderr
    lines = json.loads(command(home.state_dir, "ledger", "--json").stdout)
    assert len(lines) == 3
    assert "removed after its time" in command(home.state_dir, "ledger").stdout


def test_the_office_misses_nothing_and_collect_names_no_gap(home, server, tmp_path):
    before = held_registers(server)
    after_its_time(home)
    add_lessons(home, [5000])
    clock = Clock(OLD + 10 * DAY)
    run(home, clock)
    assert held_registers(server).items() >= before.items()
    assert document(server, "status.json")["registers"] == 4, "all that were made"
    output = tmp_path / "term.xlsx"
    result = command(tmp_path, "collect", str(server.folder), "--output", str(output), "--time-zone", "UTC")
    assert result.exit_code == 0, result.stderr
    assert "is not here" not in result.stderr
    assert "4 registers of 1 room" in result.stdout


def test_the_process_that_delivers_forgets_the_lessons_too(home):
    after_its_time(home)
    run(home, Clock(OLD + DAY))
    db = open_delivery(home.delivery_db_path, home.register_db_path)
    with closing(db.conn):
        refs = db.execute("SELECT count(*) FROM main.outbox WHERE kind = 'register'").fetchone()[0]
    assert refs == 1


def test_a_cut_leaves_all_or_nothing(home):
    assert almost_over(home) == 0
    change(home, "CREATE TRIGGER full BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(Exception, match="no room"):
        remove_old_registers(home, reading(OLD))
    assert revisions(home) == 3
    assert verified(home)[0] == 0
    change(home, "DROP TRIGGER full")
    assert night(home, OLD) == 2


def one_release_ago():
    before = Migrations("register")
    before._migrations = [one for one in REGISTER.migrations._migrations if "0010" not in one.name]
    return dataclasses.replace(REGISTER, version=9, migrations=before)


def test_an_upgrade_changes_nothing_and_after_a_rollback_lessons_are_held(tmp_path, monkeypatch):
    path, old = tmp_path / "register.sqlite", one_release_ago()
    with monkeypatch.context() as patch:
        patch.setattr(database, "REGISTER", old)
        db = open_register(path)
        keep(db, *a_register(a_lesson(START), {"S1": 0.9}))
        with transaction(db):
            outbox.put_missing_registers(db, START)
        db.conn.close()
    with closing(sqlite3.connect(path)) as before, before:
        before.execute("UPDATE outbox SET state = 'delivered'")
    home = Home(tmp_path)
    (tmp_path / "config.toml").write_text('[device]\nname = "room 204"\ntrust_clock = true\n' + SETTINGS)
    home.key_path.write_bytes(bytes(range(32)))
    home.key_path.chmod(0o600)
    db = open_register(path)
    keep(db, *a_register(a_lesson(START + DAY), {"S1": 0.9}))
    db.conn.close()
    assert after_its_time(home) == 1
    with monkeypatch.context() as patch:
        patch.setattr(database, "REGISTER", old)
        db = open_register(path)
        keep(db, *a_register(a_lesson(START + 2 * DAY), {"S1": 0.9}))
        assert len(latest_registers(db)) == 2
        db.conn.close()
    assert verified(home)[0] == 0, "forward again, all is in order"


IN_THE_TABLES = "INSERT INTO acknowledged SELECT lesson_id, revision, '2020-01-01T00:00:00.000000Z' FROM registers"
LOOKED = "INSERT OR REPLACE INTO meta VALUES ('registers_looked_at', '2029-01-01T00:00:00.000000Z')"


def refused(home: Home, at: datetime) -> str:
    """Return the alarm that was raised when nothing was removed."""
    assert remove_old_registers(home, reading(at)) == 0
    assert revisions(home) == 3
    db = open_register(home.register_db_path)
    with closing(db.conn):
        return next(one.what for one in alarms(db) if one.name == LEDGER)


def test_a_lesson_that_was_made_old_in_the_tables_is_not_signed_away(home):
    first = "(SELECT lesson_id FROM registers ORDER BY ledger_position LIMIT 1)"
    change(
        home,
        IN_THE_TABLES,
        LOOKED,
        f"UPDATE lessons SET end_utc = '2020-01-01T00:00:00.000000Z' WHERE lesson_id = {first}",
    )
    assert "was due for removal too early" in refused(home, START + 2 * DAY)


@pytest.mark.parametrize(
    "column", ["document = replace(document, 'absent', 'present')", "sha256 = lower(hex(zeroblob(32)))"]
)
def test_a_register_that_was_changed_is_not_washed_away_by_a_note(home, column):
    trigger = "DROP TRIGGER registers_never_change"
    change(home, IN_THE_TABLES, LOOKED, trigger, f"UPDATE registers SET {column} WHERE ledger_position = 2")
    assert "register" in refused(home, OLD)
    assert verified(home)[0] == 1


def test_registers_of_a_release_that_did_not_sign_go_all_at_once(tmp_path, server, monkeypatch):
    """If one were removed alone, it would count as signed, and the next unsigned one as changed."""

    def unsigned(*words) -> str:
        return canonical({**json.loads(sign(*words)), "public_key": None, "signature": None})

    with monkeypatch.context() as older_release:
        older_release.setattr(registers, "sign", unsigned)
        home = a_device(tmp_path / "older", server, lessons=1, more=SETTINGS)
        home.key_path.write_bytes(bytes(range(32)))
        home.key_path.chmod(0o600)
        add_lessons(home, [20 * 24])
    add_lessons(home, [21 * 24, 22 * 24])
    run(home, Clock(START + 23 * DAY))
    since = ("--unsigned-before", f"{START + 30 * DAY:%Y-%m-%d}")
    assert verified(home, *since)[0] == 0
    assert nights(home, OLD - 38 * DAY, OLD) == 0
    assert (verified(home, *since)[0], revisions(home)) == (0, 4)
    assert nights(home, OLD + 7 * DAY, OLD + 20 * DAY) == 2
    assert (verified(home, *since)[0], revisions(home)) == (0, 2)
