"""A made-up school to look at: signed registers of three rooms and two weeks. Nobody in it exists."""
