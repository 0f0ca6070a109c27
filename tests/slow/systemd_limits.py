"""Checks that a service that fails again and again pauses, restarts, and runs once the cause is gone."""

from __future__ import annotations

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import CONFIG

# The same in seconds that the units say in minutes.
_QUICK = "[Unit]\nStartLimitIntervalSec=30\n\n[Service]\nRestartSec=1\n"
_SOON = "[Timer]\nOnUnitInactiveSec=\nOnUnitInactiveSec=30\n"
BURST = 6


def check(machine: Machine, service: Service, report: Report) -> None:
    """Break the settings, wait for systemd's start limit, and repair them."""
    service.override("edge-daemon.service", "quick", _QUICK)
    service.override("edge-daemon-again.timer", "soon", _SOON)
    service.systemctl("restart", "edge-daemon-again.timer")
    machine.write("/etc/edge-daemon/config.toml", '[lesson]\ncaptures = "many"\n')
    since = service.cursor()
    service.systemctl("restart", "edge-daemon")
    failed = wait_for(lambda: service.active == "failed", 60)
    text = service.journal(since)
    starts = text.count("captures")
    report.check(
        "with settings that are wrong it gives up after a few starts", failed is not None, f"{starts} lines of it"
    )
    report.check("each start says in one line what is wrong", starts >= BURST and "Traceback" not in text, _line(text))
    report.check(
        "the start limit says so", service.show("Result") in ("exit-code", "start-limit-hit"), service.show("Result")
    )
    since = service.cursor()
    took = wait_for(lambda: "captures" in service.journal(since), 150)
    report.check("after a rest it is tried again", took is not None, f"{took or 0:.0f} s; 10 min as shipped")
    machine.write("/etc/edge-daemon/config.toml", CONFIG)
    took = wait_for(service.is_ready, 120)
    report.check("when the cause is gone it comes back by itself", took is not None, f"{took or 0:.0f} s")
    service.override("edge-daemon.service", "quick", "")
    service.override("edge-daemon-again.timer", "soon", "")


def _line(text: str) -> str:
    return next((line for line in text.splitlines() if "captures" in line), text[:200])
