"""The two networks that measure eyes."""
