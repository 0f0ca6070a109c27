"""Classroom attendance daemon: pictures of a lesson in, a register out."""
