"""What happened to every lesson, and the proof that nothing was changed."""

PUBLIC_MODULES = ("ledger_reader", "plan_check")
"""The modules that `cli` and other rooms of `app/` may import; all others are internal."""
