"""register.sqlite as enrolment needs it: opened only where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from edge_daemon.home import Home
from edge_daemon.sqlite import sqlite_utils
from edge_daemon.store.database import open_register


@contextmanager
def opened_register(home: Home) -> Iterator[sqlite_utils.Database | None]:
    """Open register.sqlite for a while; None where there is none yet."""
    if not home.register_db_path.exists():
        yield None
        return
    db = open_register(home.register_db_path)
    with closing(db.conn):
        yield db
