"""What the builds have in common."""
