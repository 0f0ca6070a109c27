"""What `status` and `doctor` report."""

PUBLIC_MODULES = ("delivery_overview", "doctor", "overview")
"""What `cli` and other programs may import of this one; everything else is internal."""
