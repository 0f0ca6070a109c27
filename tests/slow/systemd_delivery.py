"""The unit that delivers, with a server: what the service wrote arrives there, by another user in its sandbox."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import CONFIG, LESSON, REPOSITORY, VENV

_OFFICE = "/srv/office"
_UNIT = "edge-daemon-sync"
_TOKEN = "secret-token"
_UPSTREAM = """
[upstream]
url = "{url}"
ca_file = "/etc/edge-daemon/office-ca.pem"
token_file = "upstream-token"
"""


def check(machine: Machine, service: Service, report: Report) -> None:
    """Start a server in the machine, let the unit deliver, and look what arrived."""
    told = _start_server(machine)
    report.check("delivery: a server of the office answers on the machine", bool(told), json.dumps(told))
    if not told:
        return
    ca_file = machine.root / str(told["ca_file"]).lstrip("/")
    machine.write("/etc/edge-daemon/office-ca.pem", ca_file.read_text(encoding="utf-8"))
    machine.write("/etc/credstore/edge-daemon.upstream-token", _TOKEN)
    machine.write("/etc/edge-daemon/config.toml", CONFIG + _UPSTREAM.format(url=told["url"]))
    code = service.systemctl("start", _UNIT)
    text = service.journal(unit=_UNIT).strip().splitlines()
    report.check("delivery: the unit ends well", code == 0, " | ".join(text[-4:]))
    kept = machine.root / _OFFICE.lstrip("/") / "kept"
    registers = [path for path in kept.rglob("*.json") if b'"students"' in path.read_bytes()]
    report.check("delivery: the register is at the office", bool(registers), f"{len(registers)} registers")
    left = json.loads(machine.run("attendance", "outbox", "list", "--json"))
    report.check("delivery: the program knows that nothing waits", left["items"] == [], json.dumps(left)[:300])
    machine.write("/etc/edge-daemon/config.toml", CONFIG)
    service.systemctl("stop", "office")


def _start_server(machine: Machine) -> dict[str, object]:
    folder = machine.root / _OFFICE.lstrip("/")
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/__init__.py").touch()
    for path in (REPOSITORY / "tests").glob("office_*.py"):
        shutil.copy(path, folder / "tests")
    machine.run(
        *("systemd-run", "--unit=office", f"--working-directory={_OFFICE}", f"{VENV}/bin/python"),
        *("-m", "tests.office_server", "--folder", f"{_OFFICE}/kept", "--certificates", f"{_OFFICE}/ca"),
    )

    def said() -> str:
        lines = machine.run("journalctl", "-u", "office", "-o", "cat", "--no-pager").splitlines()
        return next((line for line in lines if line.startswith('{"port"')), "")

    wait_for(lambda: bool(said()), 60)
    return json.loads(said() or "{}")


def _alone(machine: Machine, report: Report, work: Path) -> None:
    """With a register of a rehearsal, which goes to the office where that is asked for."""
    del work
    service = Service(machine)
    machine.boot()
    wait_for(service.is_ready, 60)
    service.command("enrol", "import", f"{LESSON}/roster.csv", "--photos", f"{LESSON}/pictures/enrolment", "--json")
    service.command("rehearse", "--frames", f"{LESSON}/frames", "--deliver")
    check(machine, service, report)


if __name__ == "__main__":
    run_checks(_alone, "tests/slow/systemd.sh ROOTFS --only delivery --json benchmarks/results/systemd-delivery.json")
