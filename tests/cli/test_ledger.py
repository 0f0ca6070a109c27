"""`edge-daemon ledger`: the progress of every lesson, and every change to the records is named."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge_daemon.app.capture.plan_recorder import plan_ahead
from edge_daemon.app.service.commitment_publisher import publish_commitments
from edge_daemon.attendance.commitment import PlanCommitment, sign_commitment
from edge_daemon.attendance.document import Document, from_json, sign, to_json
from edge_daemon.device.secrets import device_key
from edge_daemon.device.signing import Signer, fingerprint
from edge_daemon.store import lesson_events, lessons, outbox
from edge_daemon.store.commitments import add_commitment
from edge_daemon.store.database import open_register, transaction
from edge_daemon.store.skipped import skip_lessons
from edge_daemon.types import Outcome
from tests.cli.running import run
from tests.registers import SEEDS, START, a_home, a_lesson, a_register, keep

DAYS = [a_lesson(START + timedelta(days=day)) for day in range(4)]
OTHER = Signer(b"another device's key, 32 bytes..")


@pytest.fixture
def home(tmp_path) -> Path:
    """Three lessons, promised and finalised, the first one corrected, with their outbox rows."""
    signer = Signer(device_key(tmp_path / "device.key"))
    db = open_register(tmp_path / "register.sqlite")
    (tmp_path / "config.toml").write_text('[device]\nname = "room 204"\ntime_zone = "Europe/Berlin"\n', "utf-8")
    plan_seed = a_register(DAYS[0], {"a": 1.0})[0].plan.seed_sha256
    for lesson in DAYS[:3]:
        at = lesson.start - timedelta(hours=3)
        promise = PlanCommitment(lesson.lesson_id, lesson.start, lesson.end, 20, plan_seed)
        last = db.execute("SELECT sha256 FROM commitments ORDER BY 1").fetchall()
        previous = db.execute("SELECT sha256 FROM commitments ORDER BY commitment_position DESC LIMIT 1").fetchone()
        ref, document = sign_commitment("room 204", at, [promise], previous[0] if last else None, signer)
        with transaction(db):
            add_commitment(db, ref, document, at)
            outbox.put(db, destination="upstream", kind="commitment", ref=ref, not_before=at, at=at)
        keep(db, *a_register(lesson, {"a": 1.0, "b": 0.0}), signer)
        deliver(db, lesson.lesson_id, 1, lesson.end)
    db.conn.close()
    why = ("--by", "T", "--reason", "sat behind a pillar")
    result = run(tmp_path, "register", "correct", DAYS[0].lesson_id, "--student", "b", "--verdict", "present", *why)
    assert result.exit_code == 0
    return tmp_path


def deliver(db, lesson_id: str, revision: int, at) -> None:
    ref = f"{lesson_id}/{revision}"
    with transaction(db):
        for kind in ("register", "office"):
            to = "upstream" if kind == "register" else "mail"
            outbox.put(db, destination=to, kind=kind, ref=ref, lesson_id=lesson_id, not_before=at, at=at)


def listed(home) -> list[dict]:
    return json.loads(run(home, "ledger", "--json").stdout)


def test_every_lesson_has_its_line_from_the_promise_to_the_mail(home):
    db = open_register(home / "register.sqlite")
    skip_lessons(db, [DAYS[3]], "the device was off", DAYS[3].end)
    coming = a_lesson(START + timedelta(days=5))
    plan_ahead(db, [coming], 100, coming.start - timedelta(hours=2), SEEDS)
    now = DAYS[0].end + timedelta(minutes=5)
    delivery = outbox.claim(db, "mail", now, "test")
    outbox.settle(db, delivery, Outcome("delivered", "250 ok"), now, random.Random(1))
    lines = listed(home)
    assert [line["state"] for line in lines] == ["finalised"] * 3 + ["skipped", "planned"]
    first, third, skipped = lines[0], lines[2], lines[3]
    assert (first["revision"], first["captures_taken"], first["captures_planned"]) == (2, 20, 20)
    assert first["promised_at"] == "2026-11-16T04:00:00Z"
    assert (first["office"]["delivered"], first["office"]["at"]) == (1, "2026-11-16T07:50:00Z")
    assert (third["upstream"]["wanted"], third["upstream"]["delivered"]) == (1, 0)
    assert skipped["reason"] == "the device was off"
    text = run(home, "ledger").stdout
    assert "none: the device was off" in text
    assert "to come" in text
    assert re.search(r"Mon 2026-11-16 08:00 +7b +11-16 05:00 +20/20 +2, ", text)


def test_days_choose_lessons(home):
    assert len(json.loads(run(home, "ledger", "--from", "2026-11-17", "--to", "2026-11-17", "--json").stdout)) == 1
    assert run(home, "ledger", "--from", "2027-01-01").stdout == "no lessons on record\n"
    assert run(home, "ledger", "--from", "2026-11-18", "--to", "2026-11-17").exit_code == 2
    (home / "empty").mkdir()
    assert run(home / "empty", "ledger").stdout == "no lessons on record\n"


def verify(home, *arguments: str) -> tuple[int, list[str]]:
    result = run(home, "ledger", "verify", "--json", *arguments)
    report = json.loads(result.stdout)
    assert result.exit_code == (1 if report["problems"] else 0)
    return report, [f"{one['where']}: {one['what']}" for one in report["problems"]]


def test_unchanged_records_are_sound(home):
    report, problems = verify(home)
    assert problems == []
    assert (report["registers"], report["revisions"], report["commitments"]) == (3, 4, 3)
    assert (report["unsigned"], report["unpromised"]) == (0, 0)
    text = run(home, "ledger", "verify").stdout
    assert text.endswith("nothing was changed, removed or added\n")
    assert f"key: {fingerprint(report['public_key'])} (this device's)" in text
    assert "\n3 registers in 4 revisions; 3 commitments\n" in text


def test_without_the_device_key_the_first_documents_key_has_to_hold_for_all(home):
    (home / "device.key").unlink()
    report, problems = verify(home)
    assert (problems, report["key"]) == ([], "named by the first document")


def test_a_key_given_on_the_command_line_decides(home):
    key = json.loads(run(home, "ledger", "verify", "--json").stdout)["public_key"]
    assert verify(home, "--key", key.upper())[1] == []
    assert len(verify(home, "--key", OTHER.public_key)[1]) == 7
    assert run(home, "ledger", "verify", "--key", "abc").exit_code == 2


def test_the_devices_line_for_the_offices_list_of_keys(home):
    key = json.loads(run(home, "ledger", "verify", "--json").stdout)["public_key"]
    assert run(home, "ledger", "key").stdout == f"room 204,{key}\n"
    (home / "device.key").chmod(0o644)
    assert run(home, "ledger", "key").exit_code == 2


def test_the_line_of_a_device_without_a_key_makes_none(tmp_path):
    result = run(tmp_path, "ledger", "key")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "device.key: there is no device key yet; the first enrolment makes it; enrol first: `" in result.stderr
    assert not list(tmp_path.iterdir())


# --- damage: direct SQL by somebody who may write the file ---------------------------------------------------------


def bare(home):
    db = open_register(home / "register.sqlite")
    for table in ("registers", "commitments"):
        for what in ("change", "go"):
            db.execute(f"DROP TRIGGER {table}_never_{what}")
    return db


def row_of(db, day: int, revision: int = 1) -> tuple[int, str]:
    return db.execute(
        "SELECT ledger_position, document FROM registers WHERE lesson_id = ? AND revision = ?",
        (DAYS[day].lesson_id, revision),
    ).fetchone()


def put(db, position: int, document: str, *, and_sha256: bool = True) -> None:
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    if and_sha256:
        db.execute("UPDATE registers SET sha256 = ? WHERE ledger_position = ?", (sha256, position))
    db.execute("UPDATE registers SET document = ? WHERE ledger_position = ?", (document, position))


def name(day: int, revision: int = 1) -> str:
    return f"register {DAYS[day].lesson_id} revision {revision}"


def changed(document: str) -> str:
    assert '"verdict":"absent"' in document
    return document.replace('"verdict":"absent"', '"verdict":"present"')


def test_a_changed_verdict_is_found_and_only_that_register_is_blamed(home):
    db = bare(home)
    position, document = row_of(db, 1)
    put(db, position, changed(document), and_sha256=False)
    _, problems = verify(home)
    assert problems == [f"{name(1)}: was changed after it was signed: its signature does not hold"]


def test_a_changed_verdict_is_found_where_its_hash_was_made_to_fit(home):
    db = bare(home)
    position, document = row_of(db, 1)
    put(db, position, changed(document))
    _, problems = verify(home)
    assert problems == [
        f"{name(1)}: was changed after it was signed: its signature does not hold",
        f"{name(2)}: a register before it was removed or changed",
    ]


def test_a_register_that_another_key_signed_anew_is_found_with_its_fingerprint(home):
    db = bare(home)
    position, document = row_of(db, 2)
    old = from_json(changed(document))
    put(db, position, sign(old.register, old.previous_sha256, OTHER))
    _, problems = verify(home)
    # The correction of the first lesson came after it.
    assert problems == [f"{name(2)}: was signed by another key (fingerprint {fingerprint(OTHER.public_key)})"]


def test_a_whole_ledger_that_another_key_signed_anew_is_found_by_the_devices_own_key(home):
    db = bare(home)
    before = None
    for position, lesson_id, revision in db.execute(
        "SELECT ledger_position, lesson_id, revision FROM registers ORDER BY ledger_position"
    ).fetchall():
        document = from_json(
            db.execute("SELECT document FROM registers WHERE ledger_position = ?", (position,)).fetchone()[0]
        )
        if revision > 1:
            before = db.execute(
                "SELECT sha256 FROM registers WHERE lesson_id = ? AND revision = ?", (lesson_id, revision - 1)
            ).fetchone()[0]
        text = sign(document.register, before, OTHER)
        put(db, position, text)
        before = hashlib.sha256(text.encode()).hexdigest()
    _, problems = verify(home)
    assert [p for p in problems if "another key" in p] == problems
    assert len(problems) == 4


def test_a_register_that_was_written_anew_in_another_form_is_found(home):
    db = bare(home)
    position, document = row_of(db, 1)
    put(db, position, json.dumps(json.loads(document), indent=1))
    _, problems = verify(home)
    assert problems[0] == f"{name(1)}: was rewritten: it is not in the form in which devices write it"


def test_a_signature_that_was_taken_off_is_found(home):
    db = bare(home)
    position, document = row_of(db, 1)
    old = from_json(changed(document))
    put(db, position, to_json(Document(old.register, old.previous_sha256, None, None)))
    _, problems = verify(home)
    assert problems[0] == f"{name(1)}: is not signed, though registers before it are"


def remove(db, day: int, revision: int = 1, *, tables: tuple[str, ...] = ("registers",)) -> None:
    lesson_id = DAYS[day].lesson_id
    db.execute("DELETE FROM registers WHERE lesson_id = ? AND revision = ?", (lesson_id, revision))
    if "outbox" in tables:
        db.execute("DELETE FROM outbox WHERE lesson_id = ?", (lesson_id,))
    if "lessons" in tables:
        db.execute("DELETE FROM lessons WHERE lesson_id = ?", (lesson_id,))


@pytest.mark.parametrize("tables", [("registers",), ("outbox",), ("outbox", "lessons")])
def test_a_removed_register_is_found_however_well_it_was_tidied_up(home, tables):
    remove(bare(home), 1, tables=tables)
    _, problems = verify(home)
    assert f"{name(2)}: a register before it was removed or changed" in problems
    if tables == ("registers",):
        assert f"{name(1)}: was removed: it is still in the outbox" in problems
    elif tables == ("outbox",):
        assert f"lesson {DAYS[1].lesson_id}: was finalised, and its register was removed" in problems


def test_a_removed_revision_is_found(home):
    db = bare(home)
    remove(db, 0, 1)
    db.execute("DELETE FROM outbox WHERE kind = 'register'")
    _, problems = verify(home)
    assert f"{name(0, 2)}: revision 1 was removed" in problems


def test_the_newest_register_that_was_removed_is_missed_by_the_outbox(home):
    db = bare(home)
    now = DAYS[2].end
    with transaction(db):
        outbox.put(db, destination="upstream", kind="register", ref=f"{DAYS[0].lesson_id}/2", not_before=now, at=now)
    remove(db, 0, 2)
    _, problems = verify(home)
    assert problems == [f"{name(0, 2)}: was removed: it is still in the outbox"]


def test_registers_that_changed_places_are_found(home):
    db = bare(home)
    db.execute("UPDATE registers SET ledger_position = 99 WHERE ledger_position = 1")
    assert f"{name(1)}: a register before it was removed or changed" in verify(home)[1]


def test_another_seed_than_the_promised_one_is_found(home):
    """The device itself cheats: it chooses its instants and signs them correctly."""
    db = bare(home)
    signer = Signer(device_key(home / "device.key"))
    position, document = row_of(db, 2)
    old = from_json(document)
    seed = b"a seed that somebody liked more."
    plan = type(old.register.plan)(old.register.lesson.lesson_id, seed, hashlib.sha256(seed).hexdigest(), ())
    put(db, position, sign(replace(old.register, plan=plan), old.previous_sha256, signer))
    _, problems = verify(home)
    assert f"{name(2)}: reveals another seed than the one that was on record before the lesson" in problems
    assert any(re.search(r"another seed than commitment \S+ promised", problem) for problem in problems)
    wrong = type(plan)(plan.lesson_id, seed, old.register.plan.seed_sha256, ())
    put(db, position, sign(replace(old.register, plan=wrong), old.previous_sha256, signer))
    assert f"{name(2)}: reveals a seed that does not match its SHA-256" in verify(home)[1]


def test_changed_removed_and_foreign_commitments_are_found(home):
    db = bare(home)
    refs = [row[0] for row in db.execute("SELECT ref FROM commitments ORDER BY commitment_position").fetchall()]
    db.execute(
        "UPDATE commitments SET document = replace(document, '\"captures_planned\":20', '\"captures_planned\":10')"
        " WHERE ref = ?",
        (refs[0],),
    )
    assert verify(home)[1] == [f"commitment {refs[0]}: was changed after it was signed: its signature does not hold"]
    db.execute("DELETE FROM commitments WHERE ref = ?", (refs[1],))
    report, problems = verify(home)
    assert f"commitment {refs[1]}: was removed: it is still in the outbox" in problems
    assert f"commitment {refs[2]}: a commitment before it was removed or changed" in problems
    assert report["unpromised"] == 2


def test_a_promise_that_was_made_after_the_lesson_began_is_none(home):
    db = bare(home)
    late = a_lesson(START + timedelta(days=3))
    signer = Signer(device_key(home / "device.key"))
    keep(db, *a_register(late, {"a": 1.0}), signer)
    plan_ahead(db, [a_lesson(START + timedelta(days=9))], 100, START + timedelta(days=8, hours=20), SEEDS)
    assert publish_commitments(db, lambda: signer, START + timedelta(days=8, hours=20)) == 1
    report, problems = verify(home)
    assert (report["unpromised"], report["commitments"], report["registers"], report["revisions"]) == (1, 4, 4, 5)
    assert problems == []


def test_a_document_without_a_signature_is_a_problem_unless_it_was_made_before_the_day_that_is_named(tmp_path):
    signer = Signer(device_key(tmp_path / "device.key"))
    db = open_register(tmp_path / "register.sqlite")
    register, sightings = a_register(DAYS[0], {"a": 1.0})
    lessons.start_lesson(db, register.lesson, register.plan, "synchronised")
    for slot, offset_s in enumerate(register.plan.offsets_s):
        at = register.lesson.start + timedelta(seconds=offset_s)
        lessons.add_capture(db, register.lesson.lesson_id, lessons.Capture(slot, "x", at))
    old = lambda previous: to_json(Document(register, previous, None, None))  # noqa: E731
    lessons.finalise(db, register.lesson.lesson_id, sightings, old, register.lesson.end)
    keep(db, *a_register(DAYS[1], {"a": 1.0}), signer)
    report, problems = verify(tmp_path)
    lesson_id = register.lesson.lesson_id
    assert (report["unsigned"], problems) == (1, [f"register {lesson_id} revision 1: is not signed"])
    assert run(tmp_path, "ledger", "verify").exit_code == 1
    day = register.lesson.end.date()
    result = run(tmp_path, "ledger", "verify", "--unsigned-before", f"{day}")
    assert (result.exit_code, "is not signed" in result.stdout) == (1, True)
    result = run(tmp_path, "ledger", "verify", "--unsigned-before", f"{day + timedelta(days=1)}")
    assert result.exit_code == 0, result.stdout
    assert "1 of them from a release that did not sign" in result.stdout


def test_a_ledger_without_any_signature_is_no_proof_of_anything(tmp_path):
    a_home(tmp_path, [a_register(day, {"a": 1.0}) for day in DAYS[:2]])
    db = open_register(tmp_path / "register.sqlite")
    db.execute("DROP TRIGGER registers_never_change")
    previous = None
    for row in list(db.execute("SELECT ledger_position, document FROM registers ORDER BY ledger_position")):
        document = replace(from_json(row[1]), previous_sha256=previous, public_key=None, signature=None)
        text = to_json(document)
        previous = hashlib.sha256(text.encode()).hexdigest()
        values = (text, previous, row[0])
        db.conn.execute("UPDATE registers SET document = ?, sha256 = ? WHERE ledger_position = ?", values)
    db.conn.commit()
    db.conn.close()
    _, problems = verify(tmp_path)
    assert [what.rpartition(": ")[2] for what in problems] == ["is not signed"] * 2


def test_a_promise_for_a_time_that_was_moved_is_named_with_the_new_one(tmp_path):
    signer = Signer(device_key(tmp_path / "device.key"))
    (tmp_path / "config.toml").write_text('[device]\nname = "room 204"\ntime_zone = "Europe/Berlin"\n', "utf-8")
    db = open_register(tmp_path / "register.sqlite")
    now = START - timedelta(hours=3)
    plain, gone = (replace(a_lesson(START, name), event_id=name) for name in ("plain", "gone"))
    series = replace(a_lesson(START + timedelta(hours=1), "series"), event_id="series")
    for lessons_of in (
        [plain, gone, series],
        [
            replace(a_lesson(START + timedelta(hours=2), "plain"), event_id="plain"),
            replace(series, start=series.start + timedelta(hours=2), end=series.end + timedelta(hours=2)),
        ],
    ):
        lesson_events.note_events(db, lessons_of)
        plan_ahead(db, lessons_of, 20, now, SEEDS)
        publish_commitments(db, lambda: signer, now)
        now += timedelta(minutes=5)
    db.conn.close()
    lines = {(one["course"], one["start"]): one for one in listed(tmp_path)}
    states = {key: one["state"] for key, one in lines.items()}
    assert states == {
        ("plain", "2026-11-16T07:00:00Z"): "withdrawn",
        ("gone", "2026-11-16T07:00:00Z"): "withdrawn",
        ("series", "2026-11-16T08:00:00Z"): "withdrawn",
        ("plain", "2026-11-16T09:00:00Z"): "planned",
        ("series", "2026-11-16T10:00:00Z"): "planned",
    }
    first = lines["plain", "2026-11-16T07:00:00Z"]
    new = lines["plain", "2026-11-16T09:00:00Z"]
    assert first["moved_to"] == {"lesson_id": new["lesson_id"], "start": new["start"]}
    assert first["promised_at"] == "2026-11-16T04:00:00Z"
    assert lines["series", "2026-11-16T08:00:00Z"]["moved_to"]["start"] == "2026-11-16T10:00:00Z"
    assert lines["gone", "2026-11-16T07:00:00Z"]["moved_to"] is None
    text = run(tmp_path, "ledger").stdout
    assert "withdrawn: moved to Mon 2026-11-16 10:00" in text
    assert "withdrawn: the timetable no longer has it" in text
    assert run(tmp_path, "ledger", "--to", "2026-11-15").stdout == "no lessons on record\n"


def test_days_that_are_none_are_refused_as_by_every_command(home):
    for command in (["ledger"], ["export", "--to", "today", "--output", "a.csv"]):
        result = run(home, *command, "--from", "x")
        assert result.exit_code == 2
        assert "'x' is not a day; give YYYY-MM-DD, yesterday, today or tomorrow" in result.stderr
        assert result.stderr.count("\n") == 1
    result = run(home, "ledger", "--from", "2026-11-02", "--to", "2026-11-01")
    assert result.stderr == (
        "edge-daemon: 2026-11-02 to 2026-11-01: the first day is after the last; exchange --from and --to\n"
    )
