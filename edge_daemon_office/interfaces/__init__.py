"""Interfaces for other systems: the read API with its tokens, CSV by template, Parquet, and events for Ed-Fi."""
