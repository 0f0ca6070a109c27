"""Migrations of the tables of tokens, sections and sent events."""
