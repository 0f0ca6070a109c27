"""Decides who each face of a lesson is, by seats, tracks and persons; begin at `sighting_resolver.resolve_lesson`."""
