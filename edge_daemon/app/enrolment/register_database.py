"""Opens register.sqlite for enrolment, if it exists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import open_register


@contextmanager
def opened_register(home: Home) -> Iterator[sqlite_utils.Database | None]:
    """Open register.sqlite until the block ends; yield None if it does not exist yet."""
    if not home.register_db_path.exists():
        yield None
        return
    db = open_register(home.register_db_path)
    with closing(db.conn):
        yield db
