"""The table of capture plans with sealed seeds, and the view that combines it with an older release's table."""

from __future__ import annotations

from typing import Final

_COLUMNS: Final = "lesson_id, device, course, start_utc, end_utc, seed_sha256, captures_planned, committed_at_utc"

PLAN_TABLES: Final = (
    """CREATE TABLE sealed_plans (
        lesson_id TEXT PRIMARY KEY NOT NULL,
        device TEXT NOT NULL,
        course TEXT NOT NULL,
        start_utc TEXT NOT NULL,
        end_utc TEXT NOT NULL,
        sealed_seed BLOB NOT NULL,  -- under a key of the capture side, bound to the lesson
        seed_sha256 TEXT NOT NULL,
        captures_planned INTEGER NOT NULL CHECK (captures_planned >= 0),
        committed_at_utc TEXT NOT NULL  -- before the lesson, or the plan proves nothing
    ) STRICT""",
    "CREATE INDEX sealed_plans_by_start ON sealed_plans (start_utc)",
    """CREATE TRIGGER sealed_plans_keep_their_seed
        BEFORE UPDATE OF sealed_seed, seed_sha256, committed_at_utc ON sealed_plans
        BEGIN SELECT RAISE(ABORT, 'a plan that was committed keeps its seed'); END""",
    # `plans` has the seeds of an older release in clear text, and new ones after a rollback: the later plan is valid.
    f"""CREATE VIEW plans_on_record AS
        SELECT {_COLUMNS} FROM sealed_plans AS own WHERE NOT EXISTS (SELECT 1 FROM plans
            WHERE plans.lesson_id = own.lesson_id AND plans.committed_at_utc > own.committed_at_utc)
        UNION ALL
        SELECT {_COLUMNS} FROM plans AS old WHERE NOT EXISTS (SELECT 1 FROM sealed_plans
            WHERE sealed_plans.lesson_id = old.lesson_id AND sealed_plans.committed_at_utc >= old.committed_at_utc)""",
)

COMMITMENT_TABLES: Final = (
    """CREATE TABLE commitments (
        commitment_position INTEGER PRIMARY KEY,
        ref TEXT NOT NULL UNIQUE,
        document TEXT NOT NULL,  -- canonical JSON, signed: plans with the SHA-256 of their seeds
        sha256 TEXT NOT NULL,
        created_at_utc TEXT NOT NULL
    ) STRICT""",
    """CREATE TRIGGER commitments_never_change BEFORE UPDATE ON commitments
        BEGIN SELECT RAISE(ABORT, 'a commitment is immutable'); END""",
    """CREATE TRIGGER commitments_never_go BEFORE DELETE ON commitments
        BEGIN SELECT RAISE(ABORT, 'a commitment is immutable'); END""",
)
"""SQL of the table of signed commitments to plans."""
