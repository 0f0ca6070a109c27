"""The probability of a match."""
