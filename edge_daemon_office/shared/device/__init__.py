"""Leaf helpers about the box itself: its keys and its health."""
