"""Migrations of the tokens and of what was sent."""
