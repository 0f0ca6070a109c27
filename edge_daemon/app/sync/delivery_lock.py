"""Prevents two syncs at the same time: a timer, a new network link and a person may each start one."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from edge_daemon.errors import StoreError
from edge_daemon.home import Home

FILE = "sync.lock"


@contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Yield True if this process is the only one that delivers, False if another one is delivering already.

    The lock is released when the process ends in any way.

    Raises:
        StoreError: the folder of the delivering process can't be written.
    """
    path = home.delivery_dir / FILE
    try:
        home.ensure_delivery_dir()
        file = path.open("a")
    except OSError as error:
        raise StoreError(
            f"can't be written: {error.strerror}", str(path), "check the folder's owner and disk"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
