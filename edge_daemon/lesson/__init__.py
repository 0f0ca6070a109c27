"""Which lessons there are, and when to take their pictures."""
