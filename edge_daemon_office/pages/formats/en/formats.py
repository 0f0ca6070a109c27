"""Formats of dates in English, without Django's 11/09/2026: people in London and New York read it as different days."""

SHORT_DATE_FORMAT = "j M Y"
