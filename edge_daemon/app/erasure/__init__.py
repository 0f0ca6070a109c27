"""Erasing students for good, in every place that has something about them, and finishing what was cut."""

PUBLIC_MODULES = ("old_registers", "pending", "removal")
"""What `cli` and other programs may import of this one; everything else is internal."""
