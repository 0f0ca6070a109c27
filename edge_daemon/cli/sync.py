"""`edge-daemon sync`: delivers what is due."""

from __future__ import annotations

import json
import signal
from types import FrameType
from typing import TYPE_CHECKING

import click

from edge_daemon.cli.context import Home, pass_home
from edge_daemon.cli.help_page import CommandHelp
from edge_daemon.cli.progress import progress
from edge_daemon.cli.this_command import commands_here
from edge_daemon.plain_text import plain
from edge_daemon.timestamps import written

if TYPE_CHECKING:
    from edge_daemon.app.sync.sync_result import Backlog, SyncResult

_INTERRUPTED = 130


class _StopRequest:
    """A request to stop by a signal; a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.by = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.by = number
        signal.signal(signal.SIGINT, signal.default_int_handler)


@click.command(cls=CommandHelp)
@click.option("--once", is_flag=True, help="As the timer does: only what is due by now, and no progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_home
def sync(home: Home, once: bool, as_json: bool) -> None:
    """Deliver due items to the school's server and by mail, and fetch the office's documents for this device.

    Without --once, items that failed before are retried at once, even if their next attempt is not due.

    Exit code 0: everything that can be done now is done; a missing network is no error. 1: something was refused, and
    a person must look into it.
    """
    from edge_daemon.app.sync.sync_session import SyncSession

    request = _StopRequest()
    if once or as_json:
        result = SyncSession(home, stopping=lambda: bool(request.by), eager=not once).go()
    else:
        with progress("delivering") as show:
            result = SyncSession(home, show=show, stopping=lambda: bool(request.by), eager=True).go()
    click.echo(
        json.dumps(_document(result), ensure_ascii=False, indent=2)
        if as_json
        else _shown(commands_here(result.line(), home))
    )
    if request.by == signal.SIGINT:
        click.get_current_context().exit(_INTERRUPTED)
    click.get_current_context().exit(1 if result.needs_a_person else 0)


def _document(result: SyncResult) -> dict[str, object]:
    return {
        "nothing_done": result.nothing_done or None,
        "stopped": result.stopped,
        "needs_a_person": result.needs_a_person,
        "destinations": {
            destination: {
                "tried": dict(tried.outcomes),
                "not_its_time": tried.waits,
                "stopped_by": tried.stopped_by or None,
                "queue": _queue(result.left[destination]) if destination in result.left else None,
            }
            for destination, tried in result.tried.items()
        },
    }


def _queue(left: Backlog) -> dict[str, object]:
    return {
        "state": left.state,
        "waiting": left.waiting,
        "held": left.held,
        "parked": left.parked,
        "delivered": left.delivered,
        "oldest": written(left.oldest) if left.oldest else None,
    }


def _shown(text: str) -> str:
    """Return a text without control characters: answers come from servers."""
    return plain(text)
