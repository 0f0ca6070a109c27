"""Lesson folders for stated conditions, made from a folder of faces. Start at `make`."""
