"""BlazeFace."""
