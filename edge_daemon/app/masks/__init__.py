"""Masks in pictures, in a video, or in front of a camera at a door (docs/MASKS.md). Keeps nothing, knows nobody."""

PUBLIC_MODULES = ("door_watch", "mask_files")
