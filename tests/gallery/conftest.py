from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.store.database import open_gallery

DEVICE_KEY = bytes(range(32))


@pytest.fixture
def gallery_path(tmp_path) -> Path:
    return tmp_path / "state" / "gallery.sqlite"


@pytest.fixture
def store(gallery_path):
    db = open_gallery(gallery_path)
    with closing(db.conn):
        yield GalleryStore(db, DEVICE_KEY)
