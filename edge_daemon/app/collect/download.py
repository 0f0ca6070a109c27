"""Downloads a server's documents to a folder; the options of `collect` replace the settings of a device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_daemon import __version__
from edge_daemon.app.collect.document_tree import DocumentProblem
from edge_daemon.app.collect.mirror import Mirror
from edge_daemon.app.collect.proof_index import ProofIndex
from edge_daemon.config import UpstreamConfig
from edge_daemon.delivery.http import Limits, Server
from edge_daemon.delivery.upstream_settings import checked_ca_file, checked_client_certificate, checked_url, read_token
from edge_daemon.errors import DeliveryError


def download(
    settings: UpstreamConfig, target: Path, index: ProofIndex, progress: Callable[[int, int], None]
) -> list[DocumentProblem]:
    """Fetch new documents; return problems with those that could not be fetched.

    Raises:
        DeliveryError: the options can't be used, or the server refuses.
    """
    try:
        url, here = checked_url(settings), Path()
        token, authorities = read_token(settings, here), checked_ca_file(settings, here)
        ours = checked_client_certificate(settings, here)
    except DeliveryError as error:
        option = {"upstream.url": settings.url}.get(
            error.where, error.where.replace("upstream.", "--").replace("_", "-")
        )
        raise DeliveryError(error.what, option, "see `edge-daemon collect --help`") from error

    def connect() -> Server:
        agent = f"edge-daemon/{__version__} (collect)"
        return Server(
            url,
            secret=token,
            username=settings.username,
            ca_file=authorities,
            client_certificate=ours,
            agent=agent,
            limits=Limits(),
        )

    return Mirror(connect, target, index).fetch(progress)
