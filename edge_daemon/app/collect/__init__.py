"""`collect`: the office's end. Reads what the rooms delivered, believes only what is signed, and writes the term.

Runs where there is no camera and no model: nothing here imports NumPy, OpenCV, TensorFlow Lite or a calendar library.
"""

PUBLIC_MODULES = ("collector", "document_tree", "room_ranking", "term_file", "trusted_keys")
"""What `cli` and other programs may import of this one; everything else is internal."""
