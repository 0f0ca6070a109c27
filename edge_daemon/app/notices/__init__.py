"""What follows from a register: rows of the outbox, absence notices, mail."""

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
"""What `cli` and other programs may import of this one; everything else is internal."""
