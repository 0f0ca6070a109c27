"""Who is enrolled: importing, listing and removing students."""

PUBLIC_MODULES = ("enrolled_students", "import_students", "remove_student")
"""What `cli` and other programs may import of this one; everything else is internal."""
