"""Checks the delivering unit with real servers: another user, in a sandbox, delivers what the service wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import CONFIG, LESSON, REPOSITORY, VENV

_SRV = "/srv/office"
_CA = "/etc/edge-daemon/office-ca.pem"
_UNIT = "edge-daemon-sync"
_TOKEN = "secret-token"
_PORT, _MAIL_PORT = 8443, 8465
_OFFICE = "office@school.example"
_RECEIVERS = f"""
[upstream]
url = "{{url}}"
ca_file = "{_CA}"
token_file = "upstream-token"

[mail]
host = "localhost"
port = {_MAIL_PORT}
security = "tls"
ca_file = "{_CA}"
username = "room-7"
password_file = "mail-password"
from = "room-7@school.example"
office = ["{_OFFICE}"]
students = true
hold_h = 0.0
"""
_SERVER = f"""[Service]
WorkingDirectory={_SRV}
ExecStart={{command}}

[Install]
WantedBy=multi-user.target
"""
STUDENT = "{}@students.example"
"""Mail address of a student, given the id. The device seals it, and the unit opens it for a message."""


def prepare(machine: Machine, service: Service, report: Report) -> None:
    """Start a server of the office and a mail server in the machine, and give the device its settings for them."""
    address = _start_servers(machine)
    report.check("delivery: the servers of the office answer on the machine", bool(address), json.dumps(address))
    ca_file = machine.root / str(address["ca_file"]).lstrip("/")
    machine.write(_CA, ca_file.read_text(encoding="utf-8"))
    for name in ("upstream-token", "mail-password"):
        machine.write(f"/etc/credstore/edge-daemon.{name}", _TOKEN)
    machine.write("/etc/edge-daemon/config.toml", CONFIG + _RECEIVERS.format(url=address["url"]))
    service.systemctl("restart", "edge-daemon")
    wait_for(service.is_ready, 60)
    roster = machine.root / LESSON.lstrip("/") / "roster.csv"
    head, *rows = roster.read_text(encoding="utf-8").splitlines()
    with_addresses = [
        ",".join((*row.split(",")[:2], STUDENT.format(row.split(",")[0]), *row.split(",")[3:])) for row in rows
    ]
    roster.write_text("\n".join((head, *with_addresses, "")), encoding="utf-8")


def check(machine: Machine, service: Service, report: Report, *, absent: str = "") -> None:
    """Let the unit deliver, and check what arrived.

    Args:
        absent: id of the absent student, who gets a message; empty: nobody was absent.
    """
    # The unit may have met the servers while they started.
    machine.try_("attendance", "outbox", "retry", "--all-parked")
    code = service.systemctl("start", _UNIT)
    text = service.journal(unit=_UNIT).strip().splitlines()
    report.check("delivery: the unit ends well", code == 0, " | ".join(text[-4:]))
    folder = machine.root / _SRV.lstrip("/")
    registers = [path for path in (folder / "kept").rglob("*.json") if b'"students"' in path.read_bytes()]
    report.check("delivery: the register is at the office", bool(registers), f"{len(registers)} registers")
    receivers = sorted(path.read_text("utf-8", "replace").partition("\n\n")[0] for path in folder.glob("mail/*.eml"))
    wanted = {_OFFICE, *([STUDENT.format(absent)] if absent else [])}
    report.check("delivery: messages reached office and absent student", set(receivers) == wanted, ", ".join(receivers))
    left = json.loads(machine.run("attendance", "outbox", "list", "--json"))
    report.check("delivery: the program knows that nothing waits", left["items"] == [], json.dumps(left)[:300])


def _start_servers(machine: Machine) -> dict[str, object]:
    folder = machine.root / _SRV.lstrip("/")
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/__init__.py").touch()
    for path in (REPOSITORY / "tests").glob("office_*.py"):
        shutil.copy(path, folder / "tests")
    shutil.copy(Path(__file__).with_name("systemd_mailbox.py"), folder)
    office = f"{VENV}/bin/python -m tests.office_server --folder {_SRV}/kept --certificates {_SRV}/ca"
    mailbox = f"/usr/bin/python3 {_SRV}/systemd_mailbox.py {_MAIL_PORT} {_SRV}/ca/good.pem {_SRV}/mail"
    for name, command in (("office", f"{office} --port {_PORT} --token {_TOKEN}"), ("mailbox", mailbox)):
        # Units, for the machine loses its power and starts again.
        machine.write(f"/etc/systemd/system/{name}.service", _SERVER.format(command=command))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", "office")
    wait_for(lambda: bool(_address_line(machine)), 60)
    machine.run("systemctl", "enable", "--now", "mailbox")  # with the certificate that the other one made
    return json.loads(_address_line(machine) or "{}")


def _address_line(machine: Machine) -> str:
    lines = machine.run("journalctl", "-u", "office", "-o", "cat", "--no-pager").splitlines()
    return next((line for line in lines if line.startswith('{"port"')), "")


def _alone(machine: Machine, report: Report, work: Path) -> None:
    """Check the delivery without a lesson: the register of a rehearsal is sent to the office."""
    del work
    service = Service(machine)
    machine.boot()
    wait_for(service.is_ready, 60)
    prepare(machine, service, report)
    service.command("enrol", "import", f"{LESSON}/roster.csv", "--photos", f"{LESSON}/pictures/enrolment", "--json")
    service.command("rehearse", "--frames", f"{LESSON}/frames", "--deliver")
    check(machine, service, report)


if __name__ == "__main__":
    run_checks(_alone, "tests/slow/systemd.sh ROOTFS --only delivery --json benchmarks/results/systemd-delivery.json")
