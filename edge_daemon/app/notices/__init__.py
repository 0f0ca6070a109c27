"""What follows from a register: rows of the outbox, absence notices, mail."""
