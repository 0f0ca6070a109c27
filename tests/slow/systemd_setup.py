"""Installs the daemon on the disk of a test machine, with a camera that replays the demo's lesson."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.slow.systemd_machine import Machine

REPOSITORY = Path(__file__).parents[2]
RELEASE = "/opt/edge-daemon/releases/test"
VENV = "/opt/edge-daemon/venv"
PROGRAM = f"{VENV}/bin/edge-daemon"
KEY, CONTACT_KEY = "/etc/credstore/edge-daemon.device-key", "/etc/credstore/edge-daemon.contact-key"
TECHNICIAN = "technician"
"""A user who logs in on the device and may use sudo."""
PROBE = "/srv/probe.py"
TIMETABLE = "/etc/edge-daemon/timetable.ics"
LESSON = "/srv/demo"
_ENLARGE = """import cv2, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (4608, 2592)))
"""
"""Program that enlarges the demo's pictures to 12 megapixels, the size of Camera Module 3."""
CONFIG = f"""[device]
name = "room-7"
time_zone = "UTC"

[timetable]
files = ["{TIMETABLE}"]

[camera]
kind = "files"
source = "{LESSON}/frames"
"""


def install(machine: Machine, work: Path) -> None:
    """Put program, units, settings, key and a camera's pictures on the disk."""
    _install_program(machine, work)
    _install_units(machine)
    machine.chroot("systemd-sysusers")
    machine.chroot("systemd-tmpfiles", "--create", "edge-daemon.conf")
    machine.write("/etc/hosts", f"127.0.0.1 localhost {socket.gethostname()}\n")
    machine.chroot("useradd", "--create-home", "student")
    machine.chroot("useradd", "--create-home", "--shell", "/bin/bash", TECHNICIAN)
    machine.write("/etc/sudoers.d/technician", f"{TECHNICIAN} ALL=(root) NOPASSWD: ALL\n")
    machine.chroot("groupadd", "--system", "render")  # which udev makes where there is one
    for name in (KEY, CONTACT_KEY):
        key = machine.root / name.lstrip("/")
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(32))
    machine.write("/etc/edge-daemon/config.toml", CONFIG)
    machine.write(TIMETABLE, timetable([]))
    # What systemd-timesyncd leaves when a time server has answered.
    machine.write(
        "/etc/tmpfiles.d/synchronised.conf", "d /run/systemd/timesync\nf /run/systemd/timesync/synchronized\n"
    )
    shutil.copytree(REPOSITORY / "demo", machine.root / LESSON.lstrip("/"))
    machine.chroot(f"{VENV}/bin/python", f"{LESSON}/make_lesson.py", f"{LESSON}/frames")
    machine.chroot(f"{VENV}/bin/python", "-c", _ENLARGE, f"{LESSON}/frames")


def timetable(lessons: list[tuple[str, datetime, int]]) -> str:
    """Return a calendar of lessons: name, start, minutes."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//systemd//EN"]
    for name, start, minutes in lessons:
        end = start + timedelta(minutes=minutes)
        lines += ["BEGIN:VEVENT", f"UID:{name}@tests", f"SUMMARY:{name}", f"DTSTAMP:{_utc(start)}"]
        lines += [f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _utc(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _install_program(machine: Machine, work: Path) -> None:
    wheels = work / "wheels"
    here, there = sys.version_info[:2], machine.chroot("python3", "-c", "import sys; print(*sys.version_info[:2])")
    if there.split() != [str(number) for number in here]:
        raise SystemExit(f"wheels for Python {there.strip()} are needed; run this with that python3, not {here}")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    for old in wheels.glob("edge_daemon-*.whl"):
        old.unlink()
    pip += ["--wheel-dir", str(wheels), "--find-links", str(wheels), str(REPOSITORY)]
    subprocess.run(pip, check=True)
    machine.chroot("python3", "-m", "venv", "--system-site-packages", f"{RELEASE}/venv")
    inside = machine.root / "wheels"
    inside.mkdir()
    subprocess.run(["mount", "--bind", str(wheels), str(inside)], check=True)
    install = ("install", "--quiet", "--no-index", "--find-links", "/wheels", "edge-daemon")
    machine.chroot(f"{RELEASE}/venv/bin/python", "-m", "pip", *install)
    subprocess.run(["umount", str(inside)], check=True)
    inside.rmdir()


def _install_units(machine: Machine) -> None:
    """Put units, the tool of releases and the commands where install.sh puts them."""
    release, provided = machine.root / RELEASE.lstrip("/"), REPOSITORY / "provisioning/device"
    shutil.copytree(REPOSITORY / "systemd", release / "systemd")
    (release / ".complete").touch()
    tool = "/opt/edge-daemon/bin/edge-daemon-release"
    for name, place in (
        ("edge-daemon-release", tool), ("attendance", "/usr/local/sbin/attendance"),
        ("edge-daemon", "/usr/local/bin/edge-daemon"),
    ):  # fmt: skip
        target = machine.root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(provided / name, target)
        target.chmod(0o755)
    machine.chroot(tool, "switch", "test")
    machine.chroot(tool, "link")
