"""What every command is given: the home that `--home` names, where the command may use it as this user."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import click

from edge_daemon.cli.owner import check_owner
from edge_daemon.home import Home

P = ParamSpec("P")
R = TypeVar("R")


def pass_home(command: Callable[Concatenate[Home, P], R]) -> Callable[P, R]:
    """Decorator of a command: its first argument is the `Home`.

    Raises:
        StoreError: the command would write there, and the folder is another user's.
    """

    @wraps(command)
    def with_home(*args: P.args, **kwargs: P.kwargs) -> R:
        context = click.get_current_context()
        home = context.find_object(Home)
        assert home is not None  # the group `edge-daemon` made it
        _, _, name = context.command_path.partition(" ")
        check_owner(home, name)
        return command(home, *args, **kwargs)

    return with_home


__all__ = ["Home", "pass_home"]
