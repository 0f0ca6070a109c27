"""SQL of the tables in register.sqlite about registers that were removed after their retention."""

from __future__ import annotations

from typing import Final

RETENTION_TABLES: Final = (
    # When the capture side first recorded that the office has a revision; the row is deleted when that no longer holds.
    """CREATE TABLE acknowledged (
        lesson_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        noted_at_utc TEXT NOT NULL,
        PRIMARY KEY (lesson_id, revision)
    ) STRICT""",
    """CREATE TABLE retention_notes (
        note_position INTEGER PRIMARY KEY,
        document TEXT NOT NULL,  -- canonical JSON, signed: what went, by SHA-256 and place in the ledger
        sha256 TEXT NOT NULL,
        created_at_utc TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE removed_registers (
        ledger_position INTEGER PRIMARY KEY,
        lesson_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        note_position INTEGER NOT NULL REFERENCES retention_notes
    ) STRICT""",
    "CREATE INDEX removed_registers_by_lesson ON removed_registers (lesson_id)",
    """CREATE TRIGGER retention_notes_never_change BEFORE UPDATE ON retention_notes
        BEGIN SELECT RAISE(ABORT, 'a note about removed registers is immutable'); END""",
    """CREATE TRIGGER retention_notes_never_go BEFORE DELETE ON retention_notes
        BEGIN SELECT RAISE(ABORT, 'a note about removed registers is immutable'); END""",
    "DROP TRIGGER registers_never_go",
    """CREATE TRIGGER registers_never_go BEFORE DELETE ON registers
        WHEN NOT EXISTS (SELECT 1 FROM removed_registers WHERE ledger_position = OLD.ledger_position
            AND sha256 = OLD.sha256)
        BEGIN SELECT RAISE(ABORT, 'a register is immutable'); END""",
)
