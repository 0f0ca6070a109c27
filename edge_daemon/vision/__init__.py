"""Pictures become faces: where they are, which way they turn, and a vector that tells whose they are."""
