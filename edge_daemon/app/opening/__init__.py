"""Opening what an installation has: models, gallery, signing key, timetable, databases."""

PUBLIC_MODULES = ("database_recovery", "models_and_gallery", "signer", "timetable_files")
"""What `cli` and other programs may import of this one; everything else is internal."""
