"""The check-in at the door: enrols and verifies a spoken phrase."""

PUBLIC_MODULES = ("session",)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
