"""The service with a simulated clock, as a program: `python -m tests.simulated_service HOME`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edge_daemon.app.service.service import Service
from edge_daemon.device import journal
from edge_daemon.errors import EdgeError
from edge_daemon.home import Home
from tests.simulation import VARIABLE, WORKER, SimulatedClock

TURN_S = 600.0
"""Seconds between two turns of the service's loop. They are far apart, because each turn costs time, not the wait."""


def main() -> int:
    journal.set_up()
    try:
        Service(Home(Path(sys.argv[1])), SimulatedClock(Path(os.environ[VARIABLE])), WORKER, TURN_S).run()
    except EdgeError as error:
        print(f"edge-daemon: {error.line()}", file=sys.stderr)  # noqa: T201 - as __main__ does
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
