"""How the model files were made."""
