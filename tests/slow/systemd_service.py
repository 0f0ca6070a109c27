"""Examines the service on a test machine with systemctl, the journal and its database."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_setup import PROBE, RELEASE

UNIT = "edge-daemon.service"
_NOT_IN_A_PROBE = (
    "Restart",
    "WatchdogSec",
    "TimeoutSt",
    "Wants=edge",
    "StartLimit",
    "KillMode",
    "ExecReload",
    "NotifyA",
)


class Service:
    """The service on a machine, seen from outside."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._register = machine.root / "var/lib/edge-daemon/register.sqlite"

    def show(self, name: str, unit: str = UNIT) -> str:
        """Return a property of a unit."""
        return self._machine.run("systemctl", "show", "--property", name, "--value", unit).strip()

    @property
    def pid(self) -> int:
        """Return the id of the main process; 0 if there is none."""
        return int(self.show("MainPID"))

    @property
    def active(self) -> str:
        """Return the unit's state, such as `active` or `failed`."""
        return self.show("ActiveState")

    @property
    def status(self) -> str:
        """Return the status that the service reports to systemd."""
        return self.show("StatusText")

    def is_ready(self) -> bool:
        """Return whether READY=1 was sent."""
        return self.active == "active"

    def systemctl(self, *arguments: str) -> int:
        """Run systemctl and return its exit code."""
        return self._machine.try_("systemctl", *arguments).returncode

    def journal(self, since: str = "", unit: str = UNIT) -> str:
        """Return the journal's messages of a unit, from a cursor on."""
        after = ("--after-cursor", since) if since else ()
        return self._machine.run("journalctl", "-u", unit, "-o", "cat", "--no-pager", *after)

    def cursor(self) -> str:
        """Return the current position in the journal."""
        lines = self._machine.run("journalctl", "-n", "1", "-o", "json", "--no-pager").splitlines()
        return json.loads(lines[-1])["__CURSOR"]

    def processes(self) -> list[int]:
        """Return all processes of the unit."""
        path = f"/sys/fs/cgroup{self.show('ControlGroup')}/cgroup.procs"
        return [int(pid) for pid in self._machine.try_("cat", path).stdout.split()]

    def pss_mb(self) -> float:
        """Return the memory of all processes of the unit in MB; shared pages are divided among them (PSS)."""
        paths = [f"/proc/{pid}/smaps_rollup" for pid in self.processes()]
        lines = self._machine.try_("grep", "-h", "^Pss:", *paths).stdout.splitlines()
        return sum(int(line.split()[1]) for line in lines) / 1024

    def unlocked_kb(self) -> dict[int, int]:
        """Return for each process of the unit, by id, how many kB of its own memory could be swapped."""
        return {pid: _unlocked_kb(self._machine.try_("cat", f"/proc/{pid}/smaps").stdout) for pid in self.processes()}

    def locked_memory_limit(self) -> str:
        """Return how much memory the service may lock, in bytes, or `unlimited`."""
        lines = self._machine.run("cat", f"/proc/{self.pid}/limits").splitlines()
        return next(line for line in lines if line.startswith("Max locked memory")).split()[3]

    def cpu_s(self) -> float:
        """Return the processor time of all processes of the unit so far."""
        return int(self.show("CPUUsageNSec")) / 1e9

    def rows(self, sql: str, *values: object) -> list[tuple]:
        """Return the rows of a query on register.sqlite; empty if the file does not exist yet."""
        if not self._register.exists():
            return []
        with closing(sqlite3.connect(f"file:{self._register}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    def captures(self) -> int:
        """Return the number of captures of all lessons."""
        found = self.rows("SELECT count(*) FROM captures") if self._register.exists() else []
        return int(found[0][0]) if found else 0

    def command(self, *arguments: str) -> str:
        """Run a command of the program as root, in the sandbox of `attendance`."""
        return self._machine.run("attendance", *arguments)

    def override(self, unit: str, name: str, text: str) -> None:
        """Add a drop-in to a unit; an empty text removes it."""
        folder = f"/etc/systemd/system/{unit}.d"
        if text:
            self._machine.write(f"{folder}/{name}.conf", text)
        else:
            self._machine.run("rm", f"{folder}/{name}.conf")
        self._machine.run("systemctl", "daemon-reload")

    def probe(self, unit: str, port: int, drop_in: Path | None = None) -> dict[str, object]:
        """Run the probe in the sandbox of a unit; return the result of each attempt."""
        name, out = f"probe-of-{unit}", f"/run/{unit}.json"
        lines = (self._machine.root / RELEASE.lstrip("/") / "systemd" / unit).read_text(encoding="utf-8").splitlines()
        probe_lines = [
            line for line in lines if not line.startswith((*_NOT_IN_A_PROBE, "ExecStart=", "RuntimeDirectory="))
        ]
        at = probe_lines.index("[Service]") + 1
        probe_lines[at:at] = [
            f"ExecStart=/usr/bin/python3 -I {PROBE} {port} {self.pid}",
            f"StandardOutput=truncate:{out}",
        ]
        text = "\n".join(probe_lines).replace("Type=notify", "Type=oneshot")
        if unit == UNIT:
            # The folder belongs to the service: a second unit that has it would take it away at its end.
            text = text.replace("UMask=0077", "UMask=0077\nReadWritePaths=/run/edge-daemon", 1)
        self._machine.write(f"/etc/systemd/system/{name}", text)
        if drop_in:
            self._machine.write(f"/etc/systemd/system/{name}.d/over.conf", drop_in.read_text(encoding="utf-8"))
        self._machine.run("systemctl", "daemon-reload")
        result = self._machine.try_("systemctl", "start", name)
        if result.returncode:
            return {"failed": self.journal(unit=name)}
        return json.loads(self._machine.run("cat", out))


def _unlocked_kb(smaps: str) -> int:
    maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)[1:]
    unlocked = [one for one in maps if " lo" not in one.partition("VmFlags:")[2]]
    return sum(int(found[1]) for one in unlocked if (found := re.search(r"^Anonymous: +(\d+)", one, re.MULTILINE)))


def moment(text: str) -> datetime:
    """Return the instant that a text of the database gives."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
