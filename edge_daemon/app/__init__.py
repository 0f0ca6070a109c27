"""The programs, each in a folder of its own; only here are steps wired together (docs/ARCHITECTURE.md).

Nothing is imported here. The service wires the timetable to its workers and must not load the code that sees faces.
"""
