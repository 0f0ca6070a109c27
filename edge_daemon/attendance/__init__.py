"""Turns candidates into a register: evidence over the lesson, counts, verdicts, documents, spreadsheets."""
