"""The service: follows the timetable, starts a worker for each lesson, reports its state."""

PUBLIC_MODULES = ("service",)
"""What `cli` and other programs may import of this one; everything else is internal."""
