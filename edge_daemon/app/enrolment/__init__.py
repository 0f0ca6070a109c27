"""Imports, lists and removes enrolled students."""

PUBLIC_MODULES = (
    "capture_students",
    "dry_run",
    "enrolled_students",
    "import_students",
    "remove_student",
    "report_page",
    "student_file",
)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
