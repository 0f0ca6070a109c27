"""Lesson folders of stated conditions, made from a folder of faces. Start at `make`."""
