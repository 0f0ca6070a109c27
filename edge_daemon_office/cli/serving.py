"""`serve` and `check`: serve the pages, and check whether they may be open to a network."""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import click

from edge_daemon_office.cli.opening import open_office
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.shared.errors import EdgeError

logger = logging.getLogger("edge_daemon_office")
_LAST_PORT: Final = 65_535
_SHOWN: Final = 10
"""Number of devices that `check` names."""
_FOR_HTTPS: Final = frozenset(f"security.{one}" for one in ("W004", "W005", "W008", "W012", "W016", "W021"))
"""Checks of Django that fail because office.https is false. `check` reports that setting in a line of its own."""
_PLAIN: Final = {
    "security.W009": "the file secret-key is too short: delete it, and everybody signs in again",
    "security.W020": "office.hosts is empty: name the hosts under which browsers reach the office",
}


@click.command()
@click.option(
    "--ingest-every", "every_s", type=click.IntRange(0, 86_400), default=60, show_default=True, metavar="SECONDS"
)
@click.pass_obj
def serve(folder: Path, every_s: int) -> None:
    """Serve the pages, and ingest new documents at an interval.

    With --ingest-every 0 only the pages are served.
    """
    home = open_office(folder)
    serve_pages(home, every_s)


def serve_pages(home: OfficeHome, every_s: int) -> None:
    """Serve until the process is interrupted.

    Raises:
        OfficeError: the address can't be used for listening.
    """
    from django.core.wsgi import get_wsgi_application
    from waitress.server import create_server

    host, port = listen_address(home.listen, "office.toml, office.listen")
    try:
        server = create_server(
            get_wsgi_application(),
            host=host,
            port=port,
            threads=4,
            ident="",
            trusted_proxy="127.0.0.1",
            trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
            clear_untrusted_proxy_headers=True,
        )
    except (OSError, ValueError) as error:
        raise OfficeError(f"can't be listened on: {error}", home.listen, "choose another in office.toml") from error
    click.echo(f"listening on http://{home.listen}/")
    stop = threading.Event()
    if every_s:
        threading.Thread(target=_ingest_for_ever, args=(home, every_s, stop), daemon=True).start()
    try:
        server.run()
    finally:
        stop.set()
        server.close()


def listen_address(listen: str, where: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`.

    Raises:
        OfficeError: it is no valid address; `where` names the setting or option.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _LAST_PORT:
        raise OfficeError("is not an address to listen on", where, "write 127.0.0.1:8470")
    return host.strip("[]"), int(port)


def _ingest_for_ever(home: OfficeHome, every_s: int, stop: threading.Event) -> None:
    """Ingest at an interval; an error is logged in one line, and the next run retries."""
    from django.db import close_old_connections

    while True:
        for school in home.schools.values():
            try:
                for line in ingest_round(home, school):
                    logger.warning("%s: %s", school.school, line)
            except Exception as error:  # noqa: BLE001 - without this thread nothing is ingested until a restart
                line = error.line() if isinstance(error, EdgeError) else type(error).__name__
                logger.warning("ingest of %s: %s", school.school, line)
            close_old_connections()
        if stop.wait(every_s):
            return


def ingest_round(home: OfficeHome, school: School) -> list[str]:
    """Copy new documents, ingest them, and write and send the office's lists; return a line for each failure.

    If the school's server can't be reached, the documents that are already here are ingested.

    Raises:
        OfficeError: tree, keys or roster can't be read.
    """
    from edge_daemon_office.decisions.excuses import publish_excuses
    from edge_daemon_office.decisions.lists import publish
    from edge_daemon_office.decisions.overlay import apply_overlays
    from edge_daemon_office.ingest.run import ingest
    from edge_daemon_office.ingest.server_copy import bring_documents, send_lists
    from edge_daemon_office.retention import apply_retention

    now, is_reached = datetime.now(timezone.utc), True
    lines: list[str] = []
    try:
        lines += bring_documents(home, school)
    except OfficeError as error:
        lines.append(f"{error.line()}; what was here already is ingested")
        is_reached = False
    ingest(school, now)
    apply_overlays(home, school)
    lines += apply_retention(home, school, now).problems
    lines += publish(home, school)
    lines += publish_excuses(home, school, now.astimezone(school.zone).date())
    if is_reached:
        lines += send_lists(home, school)
    return lines


def _in_plain_words(name: str) -> str:
    """Return what to do about a check of Django that failed, by its name, such as security.W009."""
    return _PLAIN.get(name, f"the program's own settings fail a check ({name}): please report it as a fault")


def _unpinned(school: School) -> list[str]:
    """Return a line about the devices in the tree without a pinned key; none while the tree has no devices."""
    from edge_daemon_office.ingest.keys import without_pinned_key
    from edge_daemon_office.ingest.tree import devices_folder

    try:
        devices_folder(school.tree)
    except (OSError, OfficeError):
        return []
    try:
        names = without_pinned_key(school.tree, school.keys)
    except OfficeError as error:
        return [error.line()]
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return [f"schools.{school.school}.keys: a key is not pinned, so documents are left out: {shown}; see `keys list`"]


@click.command()
@click.pass_obj
def check(folder: Path) -> int:
    """Check whether the office is safe to open to a network, with Django's deployment checks and our own.

    Exit codes: 0 it is, 1 it is not.
    """
    home = open_office(folder)
    from django.core.checks import run_checks

    from edge_daemon_office.scope import bypasses_row_security

    names = [str(one.id) for one in run_checks(include_deployment_checks=True)]
    lines = [_in_plain_words(name) for name in names if home.https or name not in _FOR_HTTPS]
    if not home.https:
        lines.append("office.https is false: passwords cross the network in clear text")
    if home.totp != "required":
        lines.append("office.totp is optional: a password that was seen is enough to read names")
    if bypasses_row_security():
        lines.append("the database's user bypasses row-level security: use one without SUPERUSER and BYPASSRLS")
    lines += [
        f"schools.{one.school}.tree: there is no folder {one.tree}: make or mount it, or correct office.toml"
        for one in home.schools.values()
        if one.server is None and not os.path.isdir(one.tree)  # noqa: PTH112 (Path.is_dir raises without rights); `ingest` makes copies
    ]
    for one in home.schools.values():
        lines += _unpinned(one)
    for path in (home.folder, home.folder / "secret-key"):
        if path.stat().st_mode & 0o077:
            lines.append(f"{path} can be read by others: chmod go= {path}")
    for line in lines:
        click.echo(line, err=True)
    click.echo("all checks passed" if not lines else f"{len(lines)} thing{'s' * (len(lines) > 1)} to do")
    return 1 if lines else 0
