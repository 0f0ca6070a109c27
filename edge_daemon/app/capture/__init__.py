"""Takes the pictures of a lesson: plans, the loop of a lesson, rehearsals, and pictures without a trusted time."""

PUBLIC_MODULES = (
    "assign_untimed",
    "comparer",
    "lesson_run",
    "loop",
    "missed_reasons",
    "outages",
    "plan_recorder",
    "plan_trust",
    "rehearsal",
    "timetable_look",
    "timetable_standing",
    "untimed_loop",
    "worker_report",
)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
