"""Updates a device with signed releases: each is tried before it takes effect, and rolled back if it fails."""

PUBLIC_MODULES = ("bundle", "releases", "service_control", "trial", "updater")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
