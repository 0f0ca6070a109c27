"""The enrolled students: importing, listing and removing students."""

PUBLIC_MODULES = (
    "capture_students",
    "dry_run",
    "enrolled_students",
    "import_students",
    "remove_student",
    "report_page",
    "student_file",
)
"""What `cli` and other programs may import of this one; everything else is internal."""
