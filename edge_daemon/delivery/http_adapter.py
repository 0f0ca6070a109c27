"""Connections for the packages urllib3 and requests. They trust only the given authorities.

Another thread can end a connection.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from edge_daemon.delivery.connection_deadline import ConnectionDeadline


class Adapter(HTTPAdapter):
    """An adapter of requests that opens one connection at a time and gives it to a `ConnectionDeadline`.

    Args:
        context: TLS context for the server.
        proxy_context: TLS context for a proxy that is reached by https://.
        line: gets each new connection, so that another thread can end it.
    """

    def __init__(self, context: ssl.SSLContext, proxy_context: ssl.SSLContext, line: ConnectionDeadline) -> None:
        self._context, self._proxy_context, self._pools = context, proxy_context, _pools(line)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        """Create the pool of connections, with our context and our connection classes."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Create the pool of connections through a proxy."""
        contexts = {"ssl_context": self._context, "proxy_ssl_context": self._proxy_context}
        manager = super().proxy_manager_for(proxy, **contexts, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing. The inherited method would add the `requests` package's authorities to our TLS context."""


def _pools(line: ConnectionDeadline) -> dict[str, Any]:
    """Return urllib3's pool classes, whose connections are given to the `ConnectionDeadline` before TLS begins."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, line)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, line)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _connected(connection: HTTPConnection, line: ConnectionDeadline) -> socket.socket:
    """Return a connected socket, in place of urllib3's own method, which limits the time for each address only.

    Raises:
        urllib3.exceptions.HTTPError: the name has no address, or no address answered.
    """
    assert connection.timeout is not None  # every request has a limit
    host = connection._dns_host.strip("[]")  # a proxy's IPv6 address has its brackets here
    try:
        made = line.connect((host, connection.port), connection.timeout)
        for option in connection.socket_options or ():
            made.setsockopt(*option)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the connection timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error
    return made
