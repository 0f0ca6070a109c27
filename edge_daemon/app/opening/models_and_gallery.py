"""Opening what the settings name: models, gallery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_daemon.config import CameraConfig, Config
from edge_daemon.device.secrets import device_key
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.home import Home
from edge_daemon.store.database import open_gallery
from edge_daemon.vision.mobilefacenet import PREPROCESSING_VERSION
from edge_daemon.vision.models import ModelSet, default_models_dir


def load_models(config: Config) -> ModelSet:
    """Return the verified models that the settings name."""
    folder = Path(config.models.dir) if config.models.dir else default_models_dir()
    return ModelSet.load(folder).with_embedder(config.models.embedder)


def camera_settings(home: Home) -> CameraConfig:
    """Return [camera]; pictures in the camera's place are looked for from the folder of the settings."""
    settings = home.config.camera
    if settings.kind != "files" or not settings.source:
        return settings
    return replace(settings, source=str((home.config_path.parent / settings.source).absolute()))


def embedder_id(models: ModelSet) -> EmbedderId:
    """Return what binds templates to the embedder in use."""
    return EmbedderId(models.embedder().sha256, PREPROCESSING_VERSION)


def open_gallery_store(home: Home) -> GalleryStore:
    """Open the gallery with the device's key; raises an EdgeError that says what is missing."""
    db = open_gallery(home.gallery_db_path, create=False)
    return GalleryStore(db, device_key(home.key_path if home.home_mode else None, create=False))
