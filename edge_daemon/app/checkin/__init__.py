"""The check-in at the door: a phrase is enrolled and verified."""

PUBLIC_MODULES = ("session",)
"""What `cli` and other programs may import of this one; everything else is internal."""
