"""Opens the parts of an installation: models, gallery, signing key, timetable, databases."""

PUBLIC_MODULES = ("database_recovery", "models_and_gallery", "signer", "timetable_files")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
