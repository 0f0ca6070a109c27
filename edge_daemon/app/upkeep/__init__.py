"""Daily upkeep: backups, retention, disk space."""

PUBLIC_MODULES = ("maintenance",)
"""What `cli` and other programs may import of this one; everything else is internal."""
