"""Measurements on a face, one analyser for each module. docs/EXTENDING.md explains how to add one.

An analyser sees one aligned crop and the points in it. It never sees the gallery, the store or another capture.
`attendance/` decides what its numbers mean over a lesson.
"""
