"""Daily upkeep: backups, retention, disk space."""
