"""Outbox rows, absence notices and mail that follow from a register."""

PUBLIC_MODULES = (
    "composer",
    "handover",
    "lesson_teachers",
    "mail_delivery",
    "mail_preview",
    "mail_trial",
    "outbox_rows",
    "sealed_contacts",
)
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
