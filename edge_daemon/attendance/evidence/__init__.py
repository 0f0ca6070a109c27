"""Evidence over a lesson: seats, tracks, identities, students. Start at `sighting_resolver.resolve_lesson`."""
