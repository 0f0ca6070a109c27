"""Checks that nothing that the process with the network leaves behind is run, imported or trusted.

`plant` leaves code, libraries, calendars and databases in every folder that each of the two users may write, and makes
sure that running them would be noticed. `check` finds out whether any of it ran while the units worked.

`tests/slow/systemd.sh ROOTFS --only planting` checks this alone.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.slow.systemd_attendance import PERSON
from tests.slow.systemd_machine import Machine
from tests.slow.systemd_plants import LESSON, LIBRARY, MARK
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import LESSON as DEMO

USERS = ("edge-daemon-sync", "edge-daemon")
STATES = ("/var/lib/edge-daemon", "/var/lib/edge-daemon-sync", "/run/edge-daemon", "/tmp", "/var/tmp", "/dev/shm")
OURS = {
    "edge-daemon-sync": ("/var/lib/edge-daemon-sync",),
    "edge-daemon": ("/var/lib/edge-daemon", "/run/edge-daemon"),
}
COMMON = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/proc", "/run/user")
"""Folders that every user may write."""
_C = f"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {{
    static const char *places[] = {{"/var/lib/edge-daemon", "/var/lib/edge-daemon-sync", "/run/edge-daemon", "/tmp"}};
    char path[99];
    if (write(2, "{MARK} library\\n", {len(MARK) + 9}) < 0) return;
    for (int i = 0; i < 4; i++) {{
        snprintf(path, sizeof path, "%s/RAN-library-%d", places[i], getpid());
        int file = open(path, O_CREAT | O_WRONLY, 0600);
        if (file >= 0) close(file);
    }}
}}
"""
UNITS = (
    *(
        "edge-daemon-sync",
        "edge-daemon-backup",
        "edge-daemon-retention",
        "edge-daemon-accounts",
        "edge-daemon-firstboot",
    ),
    "edge-daemon",
)


def plant(machine: Machine, report: Report) -> dict[str, list[str]]:
    """Leave every kind of file in every writable folder; return the folders of each user."""
    _prepare(machine)
    folders = {}
    for user in USERS:
        as_user = _as(user)
        find = (
            "find",
            "/",
            "-path",
            "/proc",
            "-prune",
            "-o",
            "-path",
            "/sys",
            "-prune",
            "-o",
            "-type",
            "d",
            "-writable",
        )
        found = machine.try_(*as_user, *find, "-print").stdout.splitlines()
        folders[user] = found
        strange = [path for path in found if not path.startswith((*OURS[user], *COMMON))]
        report.check(
            f"{user} writes in folders of its own and in common ones only", found and not strange, strange or found
        )
        kind = "all" if user == "edge-daemon-sync" else "code"
        planted = machine.run(*as_user, "python3", "-I", "/srv/plants.py", kind, *found).split()
        report.figure(f"plants_of_{user.replace('-', '_')}", sum(map(int, planted)))
    _check_that_it_would_be_noticed(machine, report, folders["edge-daemon-sync"])
    return folders


def exercise(machine: Machine, report: Report, folders: dict[str, list[str]]) -> None:
    """Start every unit, and commands in the planted folders, as a person and as root do."""
    for unit in UNITS:
        machine.try_("systemctl", "restart", unit)
    service = Service(machine)
    report.check("with all that lying about the service comes up", wait_for(service.is_ready, 60) is not None)
    places = [path for path in (*OURS["edge-daemon-sync"], "/tmp", "/var/tmp") if path in folders["edge-daemon-sync"]]
    for place in places:
        for words in (("enrol", "list"), ("timetable", "show"), ("ledger", "verify"), ("doctor",)):
            machine.try_("env", "-C", place, f"PYTHONPATH={place}", f"HOME={place}", "attendance", *words)
        machine.try_("env", "-C", place, f"PYTHONPATH={place}", f"HOME={place}", "edge-daemon", "status")
        machine.try_(
            "env", "-C", place, f"PYTHONPATH={place}", f"HOME={place}", "edge-daemon", "update", "nothing.edge"
        )
    # Networks, decoder and camera process at work, called from among the plants.
    machine.run("sh", "-c", f"mkdir -p /srv/few && cp $(ls {DEMO}/frames/* | head -n 2) /srv/few/")
    result = machine.try_(
        *PERSON, "env", "-C", "/tmp", f"HOME={places[0]}", "attendance", "rehearse", "--frames", "/srv/few"
    )
    report.check("a rehearsal among the plants gives a register", result.returncode == 0, result.stderr[-300:])
    photographs = ("--photos", f"{DEMO}/pictures/enrolment")
    result = machine.try_("env", "-C", places[0], "attendance", "enrol", "import", f"{DEMO}/roster.csv", *photographs)
    report.check("and photographs are decoded there", result.returncode == 0, result.stderr[-300:])


def check(machine: Machine, report: Report) -> None:
    """Check that none of the planted files was run or trusted."""
    machine.run("journalctl", "--sync")
    text = machine.run("journalctl", "-o", "cat", "--no-pager")
    ran = sorted({line for line in text.splitlines() if MARK in line})
    report.check("nothing that was planted ran: the journal", not ran, ran[:5])
    left = _marks(machine)
    report.check("nothing that was planted ran: no file of it", not left, left[:5])
    timetable = machine.try_("attendance", "timetable", "show").stdout
    report.check("no planted calendar is followed", LESSON not in timetable, timetable[-200:])
    students = machine.try_("attendance", "enrol", "list").stdout
    report.check(
        "no planted roster or removal is applied", "PLANT" not in students and "S1" in students, students[-200:]
    )
    result = machine.try_("attendance", "ledger", "verify")
    report.check(
        "no planted database is believed: the ledger",
        result.returncode == 0 and "planted" not in result.stdout,
        result.stdout,
    )
    found = machine.try_("attendance", "register", "list").stdout
    report.check("no planted database is believed: the registers", "planted" not in found, found[-200:])


def _prepare(machine: Machine) -> None:
    source = machine.root / "srv/plant.c"
    source.write_text(_C)
    target = machine.root / str(LIBRARY).lstrip("/")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O", "-o", target, source], check=True)
    shutil.copy(Path(__file__).with_name("systemd_plants.py"), machine.root / "srv/plants.py")


def _check_that_it_would_be_noticed(machine: Machine, report: Report, folders: list[str]) -> None:
    """Run each kind once on purpose, to prove that the check would find it."""
    (place,) = (path for path in folders if path == "/var/lib/edge-daemon-sync")
    python = "/usr/bin/python3"
    ways = {
        "a module in the working directory": ("env", "-C", place, python, "-c", "import click"),
        "the program itself in the working directory": ("env", "-C", place, python, "-m", "edge_daemon"),
        "usercustomize of a home": ("env", "-C", "/", f"HOME={place}", python, "-c", ""),
        ".pth of a home": ("env", "-C", "/", f"HOME={place}", python, "-c", ""),
        "a shared library": ("env", f"LD_PRELOAD={place}/libz.so.1", "/bin/true"),
        "a program": (f"{place}/systemctl",),
    }
    missed = [name for name, line in ways.items() if MARK not in machine.try_(*_as("edge-daemon-sync"), *line).stderr]
    marks = _marks(machine)
    report.check("what is planted says so when it runs", not missed and marks, missed or f"{len(marks)} marks")
    for path in marks:
        machine.run("rm", "-f", path)


def _marks(machine: Machine) -> list[str]:
    places = " ".join(STATES)
    found = machine.try_(
        "sh", "-c", f"find {places} /tmp/systemd-private-* /var/tmp/systemd-private-* -name 'RAN-*' 2>/dev/null"
    )
    return found.stdout.split()


def _as(user: str) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={user}", "--regid=edge-daemon", "--init-groups", "--")


def _alone(machine: Machine, report: Report, _work: Path) -> None:
    machine.boot()
    service = Service(machine)
    wait_for(service.is_ready, 60)
    service.command("enrol", "import", f"{DEMO}/roster.csv", "--photos", f"{DEMO}/pictures/enrolment")
    folders = plant(machine, report)
    exercise(machine, report, folders)
    check(machine, report)


if __name__ == "__main__":
    run_checks(_alone, "tests/slow/systemd.sh ROOTFS --only planting --json benchmarks/results/systemd-planting.json")
