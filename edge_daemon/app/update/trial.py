"""Checks whether a release works here; the old release runs this check of the new one before it switches.

The release in effect starts the new one's `edge-daemon update-check` as the service's user. It reads only the exit
code, so that even very different releases understand each other.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from edge_daemon.app.opening.models_and_gallery import load_models
from edge_daemon.errors import ModelError, StoreError
from edge_daemon.home import Home
from edge_daemon.store.database import explained, open_gallery, open_register
from edge_daemon.store.registers import latest_registers
from edge_daemon.vision.golden import parity
from edge_daemon.vision.models import default_models_dir

_BUSY_S = 30.0


def check(home: Home) -> None:
    """Check settings and models, and migrate copies of both databases to this release's schema.

    The embedder has to compute the vectors that the release has stored for its sample faces.

    Raises:
        EdgeError: this release can't work with the settings, a model or a database.
    """
    config = home.config
    models = load_models(config)
    found = parity(models.embedder(), Path(config.models.dir or default_models_dir()))
    if not found.holds:
        what = f"computes wrongly here: cosine {found.worst_cosine:.4f}, at least {found.least} is right"
        raise ModelError(what, found.model, "stay with the release that works")
    if not home.register_db_path.exists() and not home.gallery_db_path.exists():
        return  # a folder that does not exist is not made
    with tempfile.TemporaryDirectory(prefix=".update-check-", dir=home.state_dir) as folder:
        copy = Path(folder) / "copy.sqlite"
        if home.register_db_path.exists():
            _copied(home.register_db_path, copy)
            db = open_register(copy, create=False)
            with closing(db.conn):
                latest_registers(db)
                _sound(db.conn, copy)
            copy.unlink()
        if home.gallery_db_path.exists():
            _copied(home.gallery_db_path, copy)
            db = open_gallery(copy, create=False)
            with closing(db.conn):
                _sound(db.conn, copy)


def _copied(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while the service may write to it."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=_BUSY_S)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
    except sqlite3.DatabaseError as error:
        raise explained(error, str(source)) from error


def _sound(conn: sqlite3.Connection, path: Path) -> None:
    answer = str(conn.execute("PRAGMA quick_check(1)").fetchone()[0])
    if answer != "ok":
        raise StoreError(f"is not sound after the change of schema ({answer})", str(path))
