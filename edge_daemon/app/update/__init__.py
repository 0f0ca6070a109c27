"""Releases that follow each other on a device: signed bundles, tried before they count, taken back when they fail."""

PUBLIC_MODULES = ("bundle", "releases", "service_control", "trial", "updater")
"""What `cli` and other programs may import of this one; everything else is internal."""
