"""Delivers registers to their receivers by HTTPS and mail, and fetches the office's documents for the device."""
