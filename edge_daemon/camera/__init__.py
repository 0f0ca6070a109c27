"""Sources of pictures: cameras, and files in their place."""
