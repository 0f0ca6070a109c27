"""Erases students for good in every place that has data about them, and finishes interrupted erasures."""

PUBLIC_MODULES = ("old_registers", "pending", "removal")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
