"""What comes back from the office: checked on arrival, put into force between lessons."""

PUBLIC_MODULES = ("apply", "office_keys", "waiting")
"""What `cli` and other programs may import of this one; everything else is internal."""
