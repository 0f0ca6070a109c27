"""Evidence over a lesson: places, links, persons, names; `believe.believe` is the way in."""
