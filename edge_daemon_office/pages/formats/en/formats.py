"""Dates in English: Django's 11/09/2026 is another day in London than in New York."""

SHORT_DATE_FORMAT = "j M Y"
