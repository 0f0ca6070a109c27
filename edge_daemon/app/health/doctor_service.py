"""The checks of `doctor` that compare the service's status with the computer."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edge_daemon.app.upkeep.maintenance import RESERVE_BYTES
from edge_daemon.device import host_checks
from edge_daemon.device.check import Check
from edge_daemon.device.host import Host
from edge_daemon.device.status import STALE_S, ServiceStatus, age_s, read_status, runs
from edge_daemon.home import Home

_LOG = "`systemctl status edge-daemon` and `journalctl -u edge-daemon` say why"
_DISK = "make room, or look at `dmesg`: a worn-out SD card goes read-only, and has to be replaced"


def running_service(home: Home) -> ServiceStatus | None:
    """Return the status of a service whose process exists; None if there is none or its status can't be read."""
    try:
        status = read_status(home.runtime_dir)
    except PermissionError:
        return None
    return status if status is not None and runs(status) else None


def service_check(home: Home) -> Check:
    """Check the service; the result is good only if it has started and reports no fault."""
    try:
        status = read_status(home.runtime_dir)
    except PermissionError:
        return Check("service", "not checked", "only its own user can read its status", "run it as root")
    if status is None:
        if home.home_mode:
            return Check("service", "not checked", "none runs with this --home")
        return Check("service", "bad", "does not run", _LOG)
    if not runs(status):
        if status.ended_by:
            return Check("service", "bad", f"ended, and systemd starts it again: {status.ended_by}", _LOG)
        return Check("service", "bad", f"ended without giving a reason, after: {status.detail}", _LOG)
    if age_s(status) > STALE_S:
        return Check("service", "bad", f"has not reported for {age_s(status):.0f} s", _LOG)
    if faults := status.faults():
        reasons = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        return Check("service", "bad", f"{status.detail}; {reasons}", "see the lines of these checks")
    if status.state == "degraded":
        return Check("service", "bad", status.detail, _LOG)
    if status.state == "starting":
        return Check("service", "warning", f"is starting: {status.detail}", "ask again in a minute")
    return Check("service", "good", status.detail)


def disk_check(home: Home, host: Host) -> Check:
    """Check for free space and whether the disk can be written, by a write test and the service's reported faults."""
    found = host_checks.disk(home.state_dir, host, RESERVE_BYTES)
    if found.state == "bad":
        return found
    status = running_service(home)
    if status is not None and status.storage_fault:
        return Check("disk", "bad", f"{found.found}; the service says: {status.storage_fault}", _DISK)
    return _with_write(found, home.state_dir)


def _with_write(found: Check, folder: Path) -> Check:
    """Add a write test to a disk check. Some disks fail only on writing."""
    if not os.access(folder, os.W_OK):
        return found  # the folder is missing or another user's; the check of the state folder reports it
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR):  # a file system without unnamed files
            return found
        return Check("disk", "bad", f"{folder} can't be written: {error.strerror}", _DISK)
    return found
