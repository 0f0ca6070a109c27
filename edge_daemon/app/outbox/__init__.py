"""The outbox for a person: what waits and why, and how to retry it."""

PUBLIC_MODULES = ("queue",)
"""What `cli` and other programs may import of this one; everything else is internal."""
