"""Releases that follow each other on a device: signed bundles, tried before they count, taken back when they fail."""
