"""The content of `status` and `doctor`."""

PUBLIC_MODULES = ("delivery_overview", "doctor", "overview")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
