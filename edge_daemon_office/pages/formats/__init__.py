"""Formats of dates that differ from Django's, in one package for each language."""
