"""Finds masks in pictures, in a video, or at a door (docs/MASKS.md). Recognises nobody and stores nothing."""

PUBLIC_MODULES = ("door_watch", "mask_files")
