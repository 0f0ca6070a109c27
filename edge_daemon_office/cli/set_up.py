"""`init`: makes the office's folder."""

from __future__ import annotations

from pathlib import Path

import click

from edge_daemon_office.cli.opening import open_office
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import SETTINGS

_TEMPLATE = """\
# Settings of the office; docs/OFFICE.md describes each key.

[office]
hosts = ["localhost", "127.0.0.1"]  # names under which browsers reach it
https = true                        # a proxy in front has the certificate; false only for a trial on one computer
listen = "127.0.0.1:8470"
database = ""                       # empty: office.sqlite here; else postgresql://user:password@host/database
language = "en"
totp = "required"                   # a second factor for every account; or "optional"

[schools.{school}]
name = {name}
time_zone = {zone}
tree = {tree}
keys = "{school}-keys.csv"          # device,public_key: only these are believed
roster = "{school}-roster.csv"      # student_id,name,courses
limit_percent = 85
consecutive_days = 3
"""


@click.command()
@click.option("--school", default="school", show_default=True, help="Short name: small letters, digits and -.")
@click.option("--name", default="", help="Name of the school, as pages show it.")
@click.option("--time-zone", default="UTC", show_default=True, help="The school's time zone, such as Europe/Berlin.")
@click.option("--tree", default="tree", show_default=True, help="Folder that `upstream.url` of the devices leads to.")
@click.pass_obj
def init(folder: Path, school: str, name: str, time_zone: str, tree: str) -> None:
    """Make the office's folder with its settings, its secret and its database."""
    path = folder / SETTINGS
    if path.exists():
        raise OfficeError("exists already", str(path), "edit it, or name another folder with --home")
    write_settings(folder, school, name or school, time_zone, tree)
    try:
        open_office(folder)
    except OfficeError:
        path.unlink()  # nothing half done: the next call begins anew
        raise
    click.echo(f"made {folder}: settings in {path}")
    click.echo("next: pin the devices' keys (`keys`), then `ingest`")


def write_settings(folder: Path, school: str, name: str, time_zone: str, tree: str) -> None:
    """Write `office.toml`, into a folder that only its owner can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = _TEMPLATE.format(school=school, name=_quoted(name), zone=_quoted(time_zone), tree=_quoted(tree))
    (folder / SETTINGS).write_text(text, "utf-8")


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
