"""Reads, corrects and exports registers for people."""

PUBLIC_MODULES = (
    "check_in_note",
    "check_in_note_reading",
    "correct_register",
    "correction_notes",
    "export_file",
    "own_documents",
    "stored_registers",
)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
