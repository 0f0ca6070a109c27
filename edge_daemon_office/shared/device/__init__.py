"""Leaf modules about the host: its keys and its health."""
