"""`edge-daemon config show`: the settings in effect, with secrets hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import GroupHelp
from edge_daemon.config import Config
from edge_daemon.configfile import file_name

_IN_ADDRESS = re.compile(r"(?<=://)\S*@")
_IN_QUERY = re.compile(r"(?i)\b([\w-]*(?:token|key|secret|pass|pw|auth|sig)[\w-]*=)[^&\s]+")


@click.group(cls=GroupHelp)
def config() -> None:
    """The settings in effect."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def show(home: Home, as_json: bool) -> None:
    """Print every setting as TOML, both those in the file and the defaults."""
    tables = {section: dict(_keys(home.config, section)) for section in (f.name for f in fields(Config))}
    if as_json:
        click.echo(json.dumps(tables, ensure_ascii=False, indent=2))
        return
    click.echo(f"# {home.config_path}{'' if home.config_path.exists() else ' does not exist: defaults'}")
    for section, keys in tables.items():
        click.echo(f"\n[{section}]")
        for name, value in keys.items():
            # JSON and TOML write these values in the same way.
            click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")


def hide_secrets(text: str) -> str:
    """Return a text with user, password and tokens of addresses masked."""
    return _IN_QUERY.sub(r"\1***", _IN_ADDRESS.sub("***@", text))


def _keys(settings: Config, section: str) -> Iterator[tuple[str, Any]]:
    table = getattr(settings, section)
    for key in fields(table):
        value = getattr(table, key.name)
        if isinstance(value, str):
            value = hide_secrets(value)
        elif isinstance(value, tuple):
            value = [hide_secrets(v) for v in value]
            if key.metadata["key"].text_or_list and len(value) < 2:
                value = "".join(value)
        yield file_name(key), value
