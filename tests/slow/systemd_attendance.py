"""Checks `attendance` on a test machine: its sandbox, its traces in the journal, and whether a person can still type.

`tests/slow/systemd.sh ROOTFS --only attendance` checks this alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_sandbox import NEVER, PORT, REFUSED, listener
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import LESSON, PROBE, TECHNICIAN

SECRETS = ("S2", "Dr. Zimperlich", "allergic to chalk", "K77", "his own words")
"""Ids, names and reasons of the corrections below; none may appear in the journal."""
LOGGED = "a reason that sudo logs"
PRIVATE = f"/home/{TECHNICIAN}/class"
PERSON = ("setpriv", f"--reuid={TECHNICIAN}", f"--regid={TECHNICIAN}", "--init-groups", "--")
"""Command prefix that runs a command as the technician. runuser would log its own command line."""
SERVICE = ("service_root", "service_memory", "service_environment")
"""Names of the probe's attempts to reach the process that sees faces."""
_SECONDS = 10
# Types at a terminal of its own, and prints what the command wrote and its exit code.
_TERMINAL = """
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, sent, until = b"", False, time.time() + 15
while time.time() < until:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    if not sent and seen.rstrip().endswith((b":", b"]")):
        time.sleep(0.3)
        os.write(terminal, sys.argv[1].encode().decode("unicode_escape").encode())
        sent = True
os.close(terminal)  # as a connection that breaks: whoever waits for more gets SIGHUP
print(seen.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


class Attendance:
    """Calls the command as root, or as a person who may use sudo."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def root(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Call the command as root."""
        return self._machine.try_("attendance", *words, stdin=typed)

    def person(self, *words: str, typed: str = "", folder: str = LESSON) -> subprocess.CompletedProcess[str]:
        """Call the command as the technician, from a folder."""
        return self._machine.try_(*self._as_person(folder), "attendance", *words, stdin=typed)

    def typed(self, keys: str, *words: str) -> str:
        """Call the command as the technician at a terminal; return the output, which ends with the exit code."""
        at_terminal = (*self._as_person(LESSON), "python3", "-c", _TERMINAL, keys, "attendance", *words)
        return self._machine.try_(*at_terminal).stdout

    def units(self) -> list[str]:
        """Return the units of commands that run now."""
        listed = self._machine.run("systemctl", "list-units", "--plain", "--no-legend", "edge-daemon-attendance-*")
        return [line.split()[0] for line in listed.splitlines()]

    @staticmethod
    def _as_person(folder: str) -> tuple[str, ...]:
        return (*PERSON, "env", "-C", folder)


def check(machine: Machine, service: Service, report: Report) -> None:
    """Check the command, which also enrols the students."""
    attendance = Attendance(machine)
    _check_enrolment(attendance, report)
    register_id = _check_rehearsal(attendance, report)
    _check_corrections(attendance, report, register_id)
    _check_terminal(attendance, report, register_id)
    _check_files(machine, attendance, report)
    _check_journal(machine, attendance, report, register_id)
    with listener(machine, report):
        _check_doors(machine, service, report)


def _check_enrolment(attendance: Attendance, report: Report) -> None:
    result = attendance.person("enrol", "import", "roster.csv", "--photos", "pictures/enrolment", "--json")
    report.check(
        "attendance: students are enrolled, without sudo in front", '"accepted"' in result.stdout, result.stderr[-300:]
    )
    result = attendance.root("doctor", "--json")
    found = {one["name"]: one for one in json.loads(result.stdout or "[]")}
    gallery = found.get("gallery", {}).get("found", result.stderr)
    report.check("attendance: doctor opens the gallery", "3 with a template" in gallery, gallery)
    network = found.get("network", {})
    report.check(
        "attendance: what the network is like comes from the other half",
        "inside the service" in network.get("found", ""), network,
    )  # fmt: skip


def _check_rehearsal(attendance: Attendance, report: Report) -> str:
    result = attendance.person("rehearse", "--frames", "frames", "--sightings", "/tmp/sightings.csv", "--json")
    report.check("attendance: a rehearsal gives a register", result.returncode == 0, result.stderr[-300:])
    listed = json.loads(attendance.root("register", "list", "--json").stdout)
    return str(listed[-1]["lesson_id"])


def _check_corrections(attendance: Attendance, report: Report, register_id: str) -> None:
    words = ("register", "correct", register_id, "--student", SECRETS[0], "--verdict", "absent")
    result = attendance.person(*words, "--by", SECRETS[1], "--reason", SECRETS[2])
    report.check(
        "attendance: a register is corrected, without sudo in front", "revision 2" in result.stdout, result.stderr
    )
    answers = f"{register_id}\n{SECRETS[0]}\npresent\n{SECRETS[1]}\n{SECRETS[4]}\n"
    result = attendance.person("register", "correct", typed=answers)
    report.check("attendance: what is piped in answers what is asked", "revision 3" in result.stdout, result.stderr)
    result = attendance.root("register", "correct", typed=answers)
    report.check("attendance: root pipes in the same way", "already" in result.stdout, result.stderr)
    register_text = attendance.root("register", "show", register_id).stdout
    report.check(
        "attendance: the words of the reason are kept on the device",
        SECRETS[2] in register_text and SECRETS[4] in register_text,
    )
    result = attendance.person("enrol", "remove", SECRETS[3])
    report.check("attendance: an unknown id is refused by the program", result.returncode == 2, result.stderr)


def _check_terminal(attendance: Attendance, report: Report, register_id: str) -> None:
    seen = attendance.typed("n\\n", "enrol", "capture", "S1", "--camera", f"{LESSON}/frames")
    report.check("attendance: at a terminal a question is seen and answered", "nothing was taken" in seen, seen[-300:])
    seen = attendance.typed("\\x03", "enrol", "capture", "S1", "--camera", f"{LESSON}/frames")
    gone = wait_for(lambda: not attendance.units(), _SECONDS)
    report.check(
        "attendance: Ctrl-C ends the command and its unit", gone is not None and seen.endswith("130\n"), seen[-200:]
    )
    seen = attendance.typed(f"{SECRETS[0]}\\n", "register", "correct", register_id, "--verdict", "present")
    report.check("attendance: a correction asks for the student", "Student id:" in seen, seen[-300:])
    gone = wait_for(lambda: not attendance.units(), _SECONDS)
    report.check("attendance: a terminal that goes away ends the command and its unit", gone is not None)


def _check_files(machine: Machine, attendance: Attendance, report: Report) -> None:
    machine.run(*PERSON, "mkdir", "-m", "755", "-p", PRIVATE)
    machine.run("chmod", "755", f"/home/{TECHNICIAN}")
    machine.run("cp", f"{LESSON}/roster.csv", f"{PRIVATE}/my list.csv")
    result = attendance.person("enrol", "import", "my list.csv", "--dry-run", folder=PRIVATE)
    report.check("attendance: a file in a home that is open is read", result.returncode == 0, result.stderr)
    machine.run("chmod", "700", f"/home/{TECHNICIAN}")
    result = attendance.person("enrol", "import", "my list.csv", "--dry-run", folder=PRIVATE)
    report.check(
        "attendance: in a closed home it is refused in one line", "can't read it" in result.stderr, result.stderr
    )
    machine.run("install", "-d", "-m", "770", "-o", "edge-daemon", "-g", TECHNICIAN, "/srv/attendance")
    days = ("--from", "yesterday", "--to", "tomorrow")
    result = attendance.person("export", *days, "--output", "term.csv", folder="/srv/attendance")
    found = machine.try_("stat", "--format", "%U %a", "/srv/attendance/term.csv").stdout.strip()
    report.check(
        "attendance: a result lands in the folder that was named", found == "edge-daemon 600", result.stderr or found
    )
    attendance.person("export", *days, "--output", "/tmp/term.csv")
    found = machine.try_("stat", "--format", "%U", "/tmp/term.csv").stdout.strip()
    report.check("attendance: and in the common /tmp", found == "edge-daemon", found)
    machine.run("rm", "-rf", "/srv/attendance", "/tmp/term.csv", "/tmp/sightings.csv")


def _check_journal(machine: Machine, attendance: Attendance, report: Report, register_id: str) -> None:
    machine.run("journalctl", "--sync")
    text = machine.run("journalctl", "-o", "export", "--no-pager")
    secret = "|".join(map(re.escape, SECRETS))
    leaks = re.findall(rf"^[A-Z_]+=.*(?<![\w-])(?:{secret})(?![\w-]).*$", text, re.MULTILINE)
    report.check("the journal has neither the student, nor who corrected, nor why", not leaks, leaks)
    lines = sorted(set(re.findall(r"COMMAND=.*attendance.*", text)))
    arguments = {line.rpartition(" ")[2] for line in lines}  # the second only asks for the password, at a terminal
    report.check("sudo logs one line for all commands", arguments == {"--words-on-stdin", "--sudo-was-asked"}, lines)
    started = sorted(set(re.findall(r"Started .*(?:attendance-|by hand).*", text)))
    fixed = [re.sub(r"attendance-\d+(-network)?", "attendance-N", line) for line in started]
    report.check("systemd logs one description for all commands", len(set(fixed)) == 1, set(fixed))
    # That the journal would show it: with sudo in front it does.
    words = (
        "register",
        "correct",
        register_id,
        "--student",
        "S1",
        "--verdict",
        "absent",
        "--by",
        "X",
        "--reason",
        LOGGED,
    )
    result = machine.try_(*PERSON, "sudo", "attendance", *words)
    machine.run("journalctl", "--sync")
    logged = LOGGED in machine.run("journalctl", "-o", "export", "--no-pager")
    report.check(
        "with sudo in front sudo logs the reason, and the command says so", logged and "logged" in result.stderr
    )


def _check_doors(machine: Machine, service: Service, report: Report) -> None:
    """Run the probe instead of the program in the sandbox of a command, and check its attempts."""
    text = (machine.root / "usr/local/sbin/attendance").read_text(encoding="utf-8")
    probing = (
        f'import runpy, sys; sys.argv[1:] = ["{PORT}", "{service.pid}"]; runpy.run_path("{PROBE}", run_name="__main__")'
    )
    probe = re.sub(r"^readonly START=.*$", lambda _: f"readonly START='{probing}'", text, flags=re.MULTILINE)
    machine.write("/srv/attendance-probe", probe)
    machine.run("chmod", "755", "/srv/attendance-probe")
    for words in (("enrol", "list"), ("audit",), ("mail", "test"), ("config", "show")):
        name = " ".join(words)
        result = machine.try_("sh", "/srv/attendance-probe", *words)
        try:
            found = json.loads(result.stdout)
        except ValueError:
            report.check(f"attendance {name}: the probe runs", False, result.stderr[-300:])
            continue
        _judge(report, name, found)


def _judge(report: Report, name: str, found: dict[str, object]) -> None:
    networked, keyed = name == "mail test", name == "enrol list"
    shut = [*NEVER, *(("gallery", "backups", *SERVICE) if networked else ("inet", "inet6"))]
    if not keyed:
        shut += ["write_state", "credential"]
    # A home is an empty folder, into which files that are named are bound.
    open_doors = {door: found[door] for door in shut if door in found and found[door] not in (*REFUSED, [])}
    report.check(f"attendance {name}: {len(shut)} doors are shut", not open_doors, open_doors or ", ".join(shut))
    report.check(f"attendance {name}: leaves no core", found.get("core_limit") == 0)
    needed = (
        {"inet": "yes"} if networked else {"gallery": "yes", "write_state": "yes", "credential": 32} if keyed else {}
    )
    lacking = {door: found.get(door) for door, wanted in needed.items() if found.get(door) != wanted}
    report.check(f"attendance {name}: what it needs is open", not lacking, lacking or ", ".join(needed))


def _alone(machine: Machine, report: Report, _work: Path) -> None:
    machine.boot()
    service = Service(machine)
    wait_for(service.is_ready, 60)
    (machine.root / PROBE.lstrip("/")).write_text((Path(__file__).parent / "systemd_probe.py").read_text())
    began = time.monotonic()
    check(machine, service, report)
    report.figure("attendance_checks_s", time.monotonic() - began)


if __name__ == "__main__":
    run_checks(
        _alone, "tests/slow/systemd.sh ROOTFS --only attendance --json benchmarks/results/systemd-attendance.json"
    )
