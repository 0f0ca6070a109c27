"""Names of students for a command; if the gallery can't be read, a warning goes to stderr."""

from __future__ import annotations

from collections.abc import Mapping

import click

from edge_daemon.app.enrolment.enrolled_students import names_of as known_names
from edge_daemon.cli.context import Home
from edge_daemon.cli.this_command import line_here
from edge_daemon.errors import EdgeError


def names_of(home: Home) -> Mapping[str, str]:
    """Return the names of all students by id, in the roster's order; empty if they may not be shown."""

    def warn(error: EdgeError) -> None:
        click.echo(f"warning: {line_here(error, home)}; only ids are shown", err=True)

    return known_names(home, warn)
