"""Gives every command the home that `--home` names, if this user may use it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import click

from edge_daemon.cli.owner import check_owner
from edge_daemon.home import Home

_WITHOUT_FOLDER = frozenset(
    {"enrol import", "collect", "lab expression", "lab train expression", "manual", "mask", "update", "update-check"}
)
"""Commands that need no existing home: `enrol import` makes it, the others write nothing to it.

`firstboot` takes no home at all.
"""
P = ParamSpec("P")
R = TypeVar("R")


def pass_home(command: Callable[Concatenate[Home, P], R]) -> Callable[P, R]:
    """Decorate a command so that its first argument is the `Home`.

    Raises:
        StoreError: the folder of --home does not exist, and the command makes none; or the command would write to the
            state folder, and the folder belongs to another user.
    """

    @wraps(command)
    def with_home(*args: P.args, **kwargs: P.kwargs) -> R:
        context = click.get_current_context()
        home = context.find_object(Home)
        assert home is not None  # set by the group `edge-daemon`
        _, _, name = context.command_path.partition(" ")
        if home.home_mode and name not in _WITHOUT_FOLDER:
            home.check_folder()
        check_owner(home, name)
        return command(home, *args, **kwargs)

    return with_home


__all__ = ["Home", "pass_home"]
