"""The service: follows the timetable, starts a worker for each lesson, reports how it is."""
