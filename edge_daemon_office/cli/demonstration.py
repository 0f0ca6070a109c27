"""`demo`: a synthetic school to look at, on this computer only."""

from __future__ import annotations

import secrets
import shlex
import socket
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from edge_daemon_office.cli.account import make_account
from edge_daemon_office.cli.opening import open_office
from edge_daemon_office.cli.serving import listen_address, serve_pages
from edge_daemon_office.cli.set_up import write_settings
from edge_daemon_office.counting import counted
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import SETTINGS, OfficeHome

_ZONE = "Europe/Berlin"
_ACCOUNTS = {
    "teacher": ("Ms Weber", "teacher", ("7a", "7b")),
    "office": ("Mr Adler", "secretary", ()),
    "head": ("Dr Nowak", "head teacher", ()),
    "technician": ("Ms Sato", "technician", ()),
    "dpo": ("Mr Lindqvist", "data protection officer", ()),
}


@click.command()
@click.option("--serve/--no-serve", "is_served", default=True, help="Serve the pages when the school is made.")
@click.option("--listen", default="127.0.0.1:8470", show_default=True, help="Address and port to serve on.")
@click.pass_obj
def demo(folder: Path, is_served: bool, listen: str) -> None:
    """Make a school of three rooms, with two weeks of signed registers and five accounts, and show it.

    The people in it are invented.
    """
    if (folder / SETTINGS).exists():
        raise OfficeError("is an office already", str(folder), "name another folder with --home")
    address = listen_address(listen, "--listen")
    if is_served:
        _check_free(address, listen)
    home = make_demo(folder, listen)
    if not is_served:
        click.echo(f"run `edge-daemon-office --home {shlex.quote(str(folder))} serve`, then")
    click.echo(f"open http://{home.listen}/ in a browser of this computer")
    if is_served:
        serve_pages(home, 60)


def _check_free(address: tuple[str, int], listen: str) -> None:
    """Raise OfficeError if the pages can't be served, before the school is made."""
    try:
        with socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET):
            pass
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise OfficeError(f"can't be listened on: {words}", listen, "choose another with --listen") from error


def make_demo(folder: Path, listen: str) -> OfficeHome:
    """Make the school; print its accounts with their passwords."""
    from edge_daemon_office.demo.school import write_school
    from edge_daemon_office.ingest.keys import pin

    write_settings(folder, "demo", "Linden School (made up)", _ZONE, "tree")
    path = folder / SETTINGS
    text = path.read_text("utf-8").replace("https = true ", "https = false").replace('"required"', '"optional"')
    path.write_text(text.replace('"127.0.0.1:8470"', f'"{listen}"'), "utf-8")
    home = open_office(folder)
    school = home.schools["demo"]
    now = datetime.now(timezone.utc)
    seed = secrets.randbelow(2**31)
    for device, key in write_school(school.tree, school.roster, ZoneInfo(_ZONE), now, seed).items():
        pin(school.keys, device, key)
    from edge_daemon_office.ingest.run import ingest

    result = ingest(school, now)
    click.echo(f"{counted(result.devices, 'room')}, {counted(result.registers, 'register')}, each signature checked")
    for role, (name, title, courses) in _ACCOUNTS.items():
        password = make_account(home, "demo", role, role, name, title=title, courses=courses)
        click.echo(f"  account {role:<11} password {password}")
    return home
