"""Getting registers to their receivers, and what the office has for the device: documents over HTTPS, mail."""
