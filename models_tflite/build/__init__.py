"""Recipes that made the model files."""
