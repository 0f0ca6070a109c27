"""What is measured on a face, one analyser a module: docs/EXTENDING.md says how to add one.

An analyser sees one aligned crop and the points in it. It never sees the gallery, the store or another capture; what
its numbers mean over a lesson is decided in `attendance/`.
"""
