"""Opens the models and the gallery of the settings. Opening only the gallery loads neither OpenCV nor NumPy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_daemon.config import CameraConfig, Config
from edge_daemon.device.secrets import device_key
from edge_daemon.gallery.templates import EmbedderId, GalleryStore
from edge_daemon.home import Home
from edge_daemon.store.database import open_gallery

if TYPE_CHECKING:
    from edge_daemon.vision.models import ModelSet


def load_models(config: Config) -> ModelSet:
    """Return the verified models that the settings name."""
    from edge_daemon.vision.models import ModelSet, default_models_dir

    folder = Path(config.models.dir) if config.models.dir else default_models_dir()
    return ModelSet.load(folder).with_embedder(config.models.embedder)


def camera_settings(home: Home) -> CameraConfig:
    """Return [camera]; a path to pictures is relative to the folder of the settings."""
    settings = home.config.camera
    if settings.kind != "files" or not settings.source:
        return settings
    return replace(settings, source=str((home.config_path.parent / settings.source).absolute()))


def embedder_id(models: ModelSet) -> EmbedderId:
    """Return the id that binds templates to the embedder in use."""
    from edge_daemon.vision.mobilefacenet import PREPROCESSING_VERSION

    return EmbedderId(models.embedder().sha256, PREPROCESSING_VERSION)


def open_gallery_store(home: Home, *, create: bool = False) -> GalleryStore:
    """Open the gallery with the device's key.

    Args:
        home: the installation.
        create: True to make a missing gallery, and with `--home` also its key.

    Raises:
        EdgeError: the gallery or its key is missing or can't be used.
    """
    fresh = create and not home.gallery_db_path.exists()  # otherwise something is already sealed with an older key
    db = open_gallery(home.gallery_db_path, create=create)
    return GalleryStore(db, device_key(home.key_path if home.home_mode else None, create=fresh))
