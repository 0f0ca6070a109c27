"""Classroom attendance daemon: it turns the pictures of a lesson into a register."""

__version__ = "0.2.0"
