"""Taking the pictures of a lesson: plans, the loop of a lesson, rehearsals, pictures of an unknown time."""

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
"""What `cli` and other programs may import of this one; everything else is internal."""
