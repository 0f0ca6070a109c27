"""The face mesh."""
