"""What became of every lesson, and the proof that nothing was changed."""
