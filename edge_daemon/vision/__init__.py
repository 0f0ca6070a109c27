"""From pictures to faces: where they are, which way they turn, and a vector that identifies the person."""
