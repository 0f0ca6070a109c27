"""Runs one trial on a machine that boots: installs, checks, powers off, and writes the results."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report
from tests.slow.systemd_setup import install


def run_checks(checks: Callable[[Machine, Report, Path], None], command: str) -> None:
    """Run checks with the options of the command line; exit with 1 if a promise was broken.

    Args:
        checks: function that gets the machine (switched off, with the daemon on its disk), the report, and the trial's
            folder.
        command: the command that runs the trial, for the results.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("rootfs", type=Path)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--keep", action="store_true", help="leave the machine's disk there")
    arguments = parser.parse_args()
    work = Path(os.environ["WORK"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the machine is switched off first
    report, machine = Report(), Machine(arguments.rootfs, work)
    try:
        install(machine, work)
        checks(machine, report, work)
    finally:
        machine.off()
        machine.unmount(keep=arguments.keep)
    if arguments.json:
        report.write(arguments.json, command=command, systemd=machine.version, rootfs="Debian 12, minbase")
    print(f"{report.failed} failed" if report.failed else "every promise was kept")
    raise SystemExit(1 if report.failed else 0)
