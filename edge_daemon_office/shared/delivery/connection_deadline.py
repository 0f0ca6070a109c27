"""A connection that ends after a time, whatever the other side sends; another thread can end it, too."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Deadline:
    """Knows whether the deadline of one exchange has passed."""

    is_over = False


class ConnectionDeadline:
    """The connection in use, which another thread can end. It keeps a copy of the socket's descriptor, below TLS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copy: socket.socket | None = None
        self._deadline = Deadline()

    def watch(self, connection: socket.socket) -> socket.socket:
        """Register a connection as the one in use, before TLS begins on it; return it unchanged."""
        with self._lock:
            self._forget()
            self._copy = connection.dup()
            if self._deadline.is_over:
                self._end()
        return connection

    def drop(self) -> None:
        """End the connection."""
        with self._lock:
            self._end()
            self._forget()

    @contextlib.contextmanager
    def until(self, seconds: float) -> Iterator[Deadline]:
        """End the connection after this time if the block has not ended by then."""
        deadline = self._deadline = Deadline()
        timer = threading.Timer(seconds, self._time_is_over, [deadline])
        timer.daemon = True
        timer.start()
        try:
            yield deadline
        finally:
            timer.cancel()

    def _time_is_over(self, deadline: Deadline) -> None:
        with self._lock:
            deadline.is_over = True
            if deadline is self._deadline:
                self._end()

    def _end(self) -> None:
        if self._copy is not None:
            with contextlib.suppress(OSError):
                self._copy.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None
