"""Classroom attendance daemon: pictures of a lesson in, a register out."""

__version__ = "0.1.0"
