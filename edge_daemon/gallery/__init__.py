"""The enrolled students, their face templates, and the similarity of a face to each of them."""
