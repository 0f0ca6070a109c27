"""The programs, each in a folder of its own. Only this package connects the processing steps (docs/ARCHITECTURE.md).

Nothing is imported here. The service wires the timetable to its workers and must not load the code that sees faces.
"""
