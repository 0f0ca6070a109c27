"""What became of every lesson, and the proof that nothing was changed."""

PUBLIC_MODULES = ("ledger_reader", "plan_check")
"""What `cli` and other programs may import of this one; everything else is internal."""
