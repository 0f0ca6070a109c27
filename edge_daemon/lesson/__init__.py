"""Reads the timetable and plans when to take the pictures of each lesson."""
