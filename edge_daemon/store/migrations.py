"""The schemas of gallery.sqlite, register.sqlite and delivery.sqlite, with their migrations.

A migration first only adds to the schema; a later release removes unused tables and columns. `meta.schema_version` is
the number of the newest applied migration. `meta.readable_from` is the lowest schema number of a program that can still
use the file. A migration that only adds leaves this number unchanged, so that the previous release still runs after a
rollback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.check_in_tables import CHECK_IN_TABLES
from edge_daemon.store.delivery_tables import DELIVERY_TABLES, DESTINATIONS, OUTBOX_DECISIONS, WAITS_TABLES
from edge_daemon.store.enrolment_tables import ENROLMENT_TABLES
from edge_daemon.store.excuse_tables import EXCUSE_TABLES
from edge_daemon.store.lesson_event_tables import LESSON_EVENT_TABLES
from edge_daemon.store.lesson_tables import LESSON_TABLES, REGISTER_TABLES
from edge_daemon.store.phrase_tables import PHRASE_TABLES
from edge_daemon.store.plan_tables import COMMITMENT_TABLES, PLAN_TABLES
from edge_daemon.store.removal_tables import REMOVAL_TABLES
from edge_daemon.store.retention_tables import RETENTION_TABLES
from edge_daemon.store.room_tables import ROOM_TABLES
from edge_daemon.store.still_face_tables import STILL_FACE_TABLES
from edge_daemon.store.teacher_schema import TEACHER_TABLES


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of one kind of database file, as this program expects it."""

    kind: str
    """Kind of the file, as stored in its table `meta`."""
    version: int
    """Number of the newest schema that this program knows."""
    migrations: sqlite_utils.Migrations


_gallery = sqlite_utils.Migrations("gallery")
_register = sqlite_utils.Migrations("register")
_delivery = sqlite_utils.Migrations("delivery")

_META = "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT"


@_gallery(name="0001_students_templates_candidates")
def _gallery_1(db: sqlite_utils.Database) -> None:
    """Create the gallery's tables. Personal data is sealed, except ids and data that is needed without a key."""
    _run(
        db,
        _META,
        """CREATE TABLE students (
            student_id TEXT PRIMARY KEY NOT NULL,
            position INTEGER,  -- row in the roster; NULL: no longer on it
            courses TEXT NOT NULL,  -- JSON list
            consent INTEGER NOT NULL CHECK (consent IN (0, 1)),
            sealed BLOB NOT NULL  -- name, mail addresses, extra columns of the roster
        ) STRICT""",
        """CREATE TABLE student_keys (
            student_id TEXT PRIMARY KEY NOT NULL REFERENCES students ON DELETE CASCADE,
            wrapped_key BLOB NOT NULL  -- the student's data key under the device key
        ) STRICT""",
        """CREATE TABLE templates (
            template_id INTEGER PRIMARY KEY,
            student_id TEXT NOT NULL REFERENCES students ON DELETE CASCADE,
            photograph TEXT NOT NULL,  -- a digest, never a name
            sealed BLOB NOT NULL,  -- the vector
            model_sha256 TEXT NOT NULL,
            preprocessing INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX templates_by_student ON templates (student_id)",
        """CREATE TABLE tombstones (
            student_hash TEXT NOT NULL,
            key_sha256 TEXT NOT NULL,  -- of the wrapped key that was destroyed: a restored backup has it again
            erased TEXT NOT NULL CHECK (erased IN ('student', 'templates')),
            erased_at_utc TEXT NOT NULL,
            PRIMARY KEY (student_hash, key_sha256)
        ) STRICT""",
        """CREATE TABLE look_alikes (
            a TEXT NOT NULL,
            b TEXT NOT NULL,
            similarity REAL NOT NULL,
            PRIMARY KEY (a, b)
        ) STRICT""",
        """CREATE TABLE candidates (
            lesson_id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            sealed BLOB NOT NULL,  -- the candidates of one capture
            PRIMARY KEY (lesson_id, slot)
        ) STRICT""",
    )
    _stamp(db, "gallery", version=1, readable_from=1)


@_gallery(name="0002_enrolment_periods")
def _gallery_2(db: sqlite_utils.Database) -> None:
    """Add the first and last days of a student's enrolment in a course."""
    _run(db, *ENROLMENT_TABLES)
    _stamp(db, "gallery", version=2, readable_from=1)


@_gallery(name="0003_removals_leavers_notes")
def _gallery_3(db: sqlite_utils.Database) -> None:
    """Add unfinished removals, the time when a student left the roster, and notes about corrections.

    The previous release can read the file until the data keys are wrapped under a slot key
    (`store.gallery.rewrap_keys`).
    """
    _run(db, *REMOVAL_TABLES)
    _stamp(db, "gallery", version=3, readable_from=1)


@_gallery(name="0004_photograph_details")
def _gallery_4(db: sqlite_utils.Database) -> None:
    """Add time and quality of each photograph. `readable_from` is not set, because `rewrap_keys` may have raised it."""
    _run(db, "ALTER TABLE templates ADD COLUMN details BLOB")  # sealed; NULL: made by a release that stored none
    db.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")


@_gallery(name="0005_covered_templates")
def _gallery_5(db: sqlite_utils.Database) -> None:
    """Add a column for templates with a mask and with sunglasses. The previous release ignores the column."""
    _run(db, "ALTER TABLE templates ADD COLUMN covered BLOB")  # sealed; NULL: made by a release without them
    db.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")


@_gallery(name="0006_phrases")
def _gallery_6(db: sqlite_utils.Database) -> None:
    _run(db, *PHRASE_TABLES)
    db.execute("UPDATE meta SET value = '6' WHERE key = 'schema_version'")


@_register(name="0001_lessons_captures_sightings_registers")
def _register_1(db: sqlite_utils.Database) -> None:
    """Create lessons with their captures and sightings, and the registers made from them."""
    _run(db, _META, *LESSON_TABLES, *REGISTER_TABLES)
    _stamp(db, "register", version=1, readable_from=1)


@_register(name="0002_plans_skipped_untimed_clock")
def _register_2(db: sqlite_utils.Database) -> None:
    """Add tables of the service: plans before their lessons, skipped lessons, and pictures of unknown time."""
    _run(
        db,
        """CREATE TABLE plans (
            lesson_id TEXT PRIMARY KEY NOT NULL,
            device TEXT NOT NULL,
            course TEXT NOT NULL,
            start_utc TEXT NOT NULL,
            end_utc TEXT NOT NULL,
            seed BLOB NOT NULL CHECK (length(seed) = 32),
            seed_sha256 TEXT NOT NULL,
            captures_planned INTEGER NOT NULL CHECK (captures_planned >= 0),
            committed_at_utc TEXT NOT NULL  -- before the lesson, or the plan proves nothing
        ) STRICT""",
        "CREATE INDEX plans_by_start ON plans (start_utc)",
        """CREATE TRIGGER plans_keep_their_seed BEFORE UPDATE OF seed, seed_sha256, committed_at_utc ON plans
            BEGIN SELECT RAISE(ABORT, 'a plan that was committed keeps its seed'); END""",
        """CREATE TABLE skipped (
            lesson_id TEXT PRIMARY KEY NOT NULL,
            course TEXT NOT NULL,
            start_utc TEXT NOT NULL,
            end_utc TEXT NOT NULL,
            reason TEXT NOT NULL,
            noted_at_utc TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX skipped_by_start ON skipped (start_utc)",
        """CREATE TABLE untimed (
            session_id TEXT NOT NULL,
            slot INTEGER NOT NULL CHECK (slot >= 0),
            boot_id TEXT NOT NULL,
            boottime_s REAL NOT NULL,  -- CLOCK_BOOTTIME: all that is known of the time
            believed_utc TEXT NOT NULL,  -- what the clock said, which nobody trusts
            PRIMARY KEY (session_id, slot)
        ) STRICT""",
        # NULL in rows of the previous release, which does not know these columns.
        "ALTER TABLE captures ADD COLUMN clock TEXT CHECK (clock IN ('synchronised', 'rtc', 'unsynchronised'))",
        "ALTER TABLE captures ADD COLUMN boot_id TEXT",
        "ALTER TABLE captures ADD COLUMN boottime_s REAL",
    )
    _stamp(db, "register", version=2, readable_from=1)


@_register(name="0003_outbox_commitments_contacts_events")
def _register_3(db: sqlite_utils.Database) -> None:
    """Add delivery: outbox items and receivers, signed commitments to plans, and daily events."""
    _run(
        db,
        """CREATE TABLE outbox (
            item_id INTEGER PRIMARY KEY,
            destination TEXT NOT NULL CHECK (destination IN ('upstream', 'mail')),
            kind TEXT NOT NULL,  -- register, commitment; office, student, guardian, week, month ...
            ref TEXT NOT NULL,  -- lesson_id/revision, lesson_id, a date, a week: what it is about
            student_id TEXT NOT NULL DEFAULT '',  -- whom it is about; never an address, never a name
            lesson_id TEXT,
            state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'parked', 'delivered', 'void')),
            created_at_utc TEXT NOT NULL,
            next_attempt_utc TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            lease_owner TEXT,
            lease_until_utc TEXT,
            answer TEXT NOT NULL DEFAULT '',  -- the receiver's, or why it waits, in plain words
            settled_at_utc TEXT,
            UNIQUE (destination, kind, ref, student_id)
        ) STRICT""",
        "CREATE INDEX outbox_due ON outbox (state, next_attempt_utc)",
        "CREATE INDEX outbox_by_lesson ON outbox (lesson_id)",
        # The oldest due item is found quickly, even after a year without a network.
        "CREATE INDEX outbox_by_age ON outbox (destination, item_id) WHERE state IN ('waiting', 'held')",
        # A receiver that refuses everything (wrong token, wrong certificate) is recorded once, not in each item.
        DESTINATIONS,
        *COMMITMENT_TABLES,
        # A copy of gallery data for mail; the process with network access can't open the gallery.
        """CREATE TABLE contacts (
            student_id TEXT PRIMARY KEY NOT NULL,
            courses TEXT NOT NULL,  -- JSON list
            sealed BLOB NOT NULL  -- name and mail addresses, under the contact key
        ) STRICT""",
        """CREATE TABLE events (
            event_id INTEGER PRIMARY KEY,
            at_utc TEXT NOT NULL,
            event TEXT NOT NULL,  -- one of the log's fixed words
            fields TEXT NOT NULL  -- JSON, of the log's fixed fields
        ) STRICT""",
        "CREATE INDEX events_by_time ON events (at_utc)",
        # Documents from upstream: the version that was seen, the version that was applied, and what was wrong.
        """CREATE TABLE pulled (
            name TEXT PRIMARY KEY NOT NULL,
            etag TEXT NOT NULL DEFAULT '',
            sha256 TEXT NOT NULL DEFAULT '',
            fetched_at_utc TEXT,
            applied_sha256 TEXT NOT NULL DEFAULT '',
            applied_at_utc TEXT,
            problem TEXT NOT NULL DEFAULT ''
        ) STRICT""",
    )
    _stamp(db, "register", version=3, readable_from=1)


@_register(name="0004_outbox_is_read_by_another_user")
def _register_4(db: sqlite_utils.Database) -> None:
    """Add decisions about outbox items. The process with network access no longer writes this file.

    It reports its results instead, and the service stores them here as claims.
    """
    _run(db, *OUTBOX_DECISIONS)
    _stamp(db, "register", version=4, readable_from=1)


@_register(name="0005_office_decisions")
def _register_5(db: sqlite_utils.Database) -> None:
    """Add the ids of applied decisions of the office. Decisions that were applied before are found in the registers."""
    _run(
        db,
        """CREATE TABLE office_decisions (
            decision_id TEXT PRIMARY KEY NOT NULL,  -- the office's
            taken_at_utc TEXT NOT NULL
        ) STRICT""",
        # Exists until the first list arrives, which then handles decisions that were overtaken, by their times.
        "INSERT INTO meta (key, value)"
        " SELECT 'office_decisions_upgraded', '1' FROM registers WHERE revision > 1 LIMIT 1",
    )
    _stamp(db, "register", version=5, readable_from=1)


@_register(name="0006_room_views")
def _register_6(db: sqlite_utils.Database) -> None:
    _run(db, *ROOM_TABLES)
    _stamp(db, "register", version=6, readable_from=1)


@_register(name="0007_sealed_plans")
def _register_7(db: sqlite_utils.Database) -> None:
    _run(db, *PLAN_TABLES)
    _stamp(db, "register", version=7, readable_from=1)


@_register(name="0008_lesson_events")
def _register_8(db: sqlite_utils.Database) -> None:
    _run(db, *LESSON_EVENT_TABLES)
    _stamp(db, "register", version=8, readable_from=1)


@_register(name="0009_teachers")
def _register_9(db: sqlite_utils.Database) -> None:
    _run(db, *TEACHER_TABLES)
    _stamp(db, "register", version=9, readable_from=1)


@_register(name="0010_removed_registers")
def _register_10(db: sqlite_utils.Database) -> None:
    _run(db, *RETENTION_TABLES)
    _stamp(db, "register", version=10, readable_from=1)


@_register(name="0011_excuses")
def _register_11(db: sqlite_utils.Database) -> None:
    _run(db, *EXCUSE_TABLES)
    _stamp(db, "register", version=11, readable_from=1)


@_register(name="0012_check_ins")
def _register_12(db: sqlite_utils.Database) -> None:
    _run(db, *CHECK_IN_TABLES)
    _stamp(db, "register", version=12, readable_from=1)


@_register(name="0013_still_faces")
def _register_13(db: sqlite_utils.Database) -> None:
    _run(db, *STILL_FACE_TABLES)
    _stamp(db, "register", version=13, readable_from=1)


@_delivery(name="0001_tries_receivers_versions")
def _delivery_1(db: sqlite_utils.Database) -> None:
    """Create the delivery process's own data: attempts, receipts, claims.

    If the file is lost, everything is sent again.
    """
    _run(db, _META, *DELIVERY_TABLES)
    _stamp(db, "delivery", version=1, readable_from=1)


@_delivery(name="0002_waits")
def _delivery_2(db: sqlite_utils.Database) -> None:
    _run(db, *WAITS_TABLES)
    _stamp(db, "delivery", version=2, readable_from=1)


def _run(db: sqlite_utils.Database, *statements: str) -> None:
    # One by one, because executescript would commit the migration's transaction.
    for statement in statements:
        db.conn.execute(statement)


def _stamp(db: sqlite_utils.Database, kind: str, *, version: int, readable_from: int) -> None:
    rows = {"kind": kind, "schema_version": str(version), "readable_from": str(readable_from)}
    db.conn.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", rows.items())


GALLERY: Final = Schema("gallery", version=6, migrations=_gallery)
REGISTER: Final = Schema("register", version=13, migrations=_register)
DELIVERY: Final = Schema("delivery", version=2, migrations=_delivery)
