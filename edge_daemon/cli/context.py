"""What every command is given: the home that `--home` names."""

from __future__ import annotations

import click

from edge_daemon.home import Home

pass_home = click.make_pass_decorator(Home)
"""Decorator of a command: its first argument is the `Home`."""

__all__ = ["Home", "pass_home"]
