"""Where the steps are wired together; no other part of the program knows two steps (docs/ARCHITECTURE.md).

Nothing is imported here: the service wires the timetable to its workers, and must not load what sees faces.
"""
