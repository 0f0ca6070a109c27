"""Daily upkeep: backups, retention, disk space."""

PUBLIC_MODULES = ("maintenance",)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
