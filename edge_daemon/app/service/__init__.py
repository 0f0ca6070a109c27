"""The service: follows the timetable, starts a worker for each lesson, reports its state."""

PUBLIC_MODULES = ("service",)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
