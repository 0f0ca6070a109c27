"""A synthetic school to look at: signed registers of three rooms and two weeks. Its people are invented."""
