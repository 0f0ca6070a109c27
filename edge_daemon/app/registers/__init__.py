"""Registers for a person: reading, correcting and exporting them."""

PUBLIC_MODULES = (
    "check_in_note",
    "check_in_note_reading",
    "correct_register",
    "correction_notes",
    "export_file",
    "own_documents",
    "stored_registers",
)
"""What `cli` and other programs may import of this one; everything else is internal."""
