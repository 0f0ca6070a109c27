"""Documents from the office: checked on arrival, and put into force between lessons."""

PUBLIC_MODULES = ("apply", "office_keys", "waiting")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
