"""The face verifier: whether a crop is a face, its visible parts, its position, and five points."""
