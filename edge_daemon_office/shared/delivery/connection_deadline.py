"""A connection that ends after a time, whatever the other side sends; another thread can end it, too."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator


class Deadline:
    """Knows whether the deadline of one exchange has passed.

    Args:
        seconds: how long the exchange may take.
    """

    is_over = False

    def __init__(self, seconds: float = math.inf) -> None:
        self._end_s = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; 0 or less if it has passed."""
        return self._end_s - time.monotonic()


class ConnectionDeadline:
    """The connection in use, which another thread can end. It keeps a copy of the socket's descriptor, below TLS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copy: socket.socket | None = None
        self._deadline = Deadline()

    def connect(
        self, address: tuple[str, int], timeout_s: float, source_address: tuple[str, int] | None = None
    ) -> socket.socket:
        """Connect to the first address of a host that answers, and register the connection.

        A name may have many addresses, and each may be silent. The deadline of the exchange therefore limits the
        time for all of them together.

        Args:
            address: host and port.
            timeout_s: longest wait for one address, and then for each answer.
            source_address: address and port to connect from; None: the system chooses.

        Raises:
            OSError: the host has no address, or none answered.
        """
        error = OSError("the host has no address")
        for family, kind, protocol, _, place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            left_s = min(timeout_s, self._deadline.left_s)
            if left_s <= 0:
                raise TimeoutError("timed out")
            try:
                connection = _connected(socket.socket(family, kind, protocol), place, left_s, source_address)
            except OSError as reason:
                error = reason
                continue
            connection.settimeout(timeout_s)
            return self.watch(connection)
        raise error

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
        deadline = self._deadline = Deadline(seconds)
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


def _connected(
    connection: socket.socket, place: object, timeout_s: float, source_address: tuple[str, int] | None
) -> socket.socket:
    """Connect a socket within a time, or close it and raise OSError."""
    try:
        if source_address is not None:
            connection.bind(source_address)
        connection.settimeout(timeout_s)
        connection.connect(place)  # type: ignore[arg-type]  # as getaddrinfo returned it
    except BaseException:
        connection.close()
        raise
    return connection
