"""Shows what happened to every lesson, and proves that nothing was changed afterwards."""

PUBLIC_MODULES = ("ledger_reader", "plan_check", "withdrawn_promises")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
