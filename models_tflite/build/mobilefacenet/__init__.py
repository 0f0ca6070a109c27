"""MobileFaceNet."""
