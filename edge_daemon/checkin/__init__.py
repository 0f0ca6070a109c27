"""Verifies a student's own spoken phrase by the movement of the mouth."""
