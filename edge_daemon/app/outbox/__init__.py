"""The outbox for a person: what waits and why, and how to retry it."""

PUBLIC_MODULES = ("queue",)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
