"""From the address of the office's server to a folder of documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_daemon import __version__
from edge_daemon.app.collect.document_tree import DocumentProblem
from edge_daemon.app.collect.mirror import Mirror
from edge_daemon.config import UpstreamConfig
from edge_daemon.delivery.http import Limits, Server
from edge_daemon.delivery.upstream_settings import checked_ca_file, checked_url, read_token
from edge_daemon.errors import DeliveryError


def download(settings: UpstreamConfig, target: Path, show: Callable[[int, int], None]) -> list[DocumentProblem]:
    """Fetch the tree of documents; return what could not be had.

    Args:
        settings: address, certificate, and the file of the token or password.
        target: folder for the documents; what is there already is not asked for again.
        show: is given (documents done, documents in all).

    Raises:
        DeliveryError: address, certificate or token can't be used, or the server is not reached.
    """
    try:
        url, here = checked_url(settings), Path()
        token, authorities = read_token(settings, here), checked_ca_file(settings, here)
    except DeliveryError as error:
        option = {"upstream.url": settings.url}.get(
            error.where, error.where.replace("upstream.", "--").replace("_", "-")
        )
        raise DeliveryError(error.what, option, "see `edge-daemon collect --help`") from error

    def connect() -> Server:
        agent = f"edge-daemon/{__version__} (collect)"
        return Server(url, secret=token, username=settings.username, ca_file=authorities, agent=agent, limits=Limits())

    return Mirror(connect, target).fetch(show)
