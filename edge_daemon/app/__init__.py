"""Where the steps are wired together; no other part of the program knows two steps (docs/ARCHITECTURE.md)."""

from edge_daemon.app.lesson_run import LessonRun
from edge_daemon.app.opening import embedder_id, load_models, open_gallery_store
from edge_daemon.app.rehearsal import Rehearsal, rehearse

__all__ = ["LessonRun", "Rehearsal", "embedder_id", "load_models", "open_gallery_store", "rehearse"]
