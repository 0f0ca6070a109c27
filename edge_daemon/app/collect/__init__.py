"""`collect`: the office's program. It reads the rooms' documents, accepts only signed ones, and writes the term.

It runs on computers without camera and models: nothing here imports NumPy, OpenCV, TensorFlow Lite or a calendar
library.
"""

PUBLIC_MODULES = ("collector", "document_tree", "room_ranking", "term_file", "trusted_keys")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
