"""Opening what an installation has: models, gallery, signing key, timetable, databases."""
