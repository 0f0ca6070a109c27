"""Taking the pictures of a lesson: plans, the loop of a lesson, rehearsals, pictures of an unknown time."""
