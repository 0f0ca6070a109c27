"""One sync at a time: a timer, a link that comes up and a person may all start one."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from edge_daemon.errors import StoreError
from edge_daemon.home import Home

FILE = "sync.lock"


@contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Give True where this process is the only one that delivers, False where another one does already.

    The lock goes with the process, however it ends.

    Raises:
        StoreError: the folder of the process that delivers can't be written.
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
