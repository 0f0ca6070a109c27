"""Tests an emulated arm64 machine from its first boot to a delivered register; arm64_boot.sh starts this module."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from provisioning import make_cards
from tests.slow.systemd_report import Report
from tests.slow.systemd_setup import timetable
from tests.slow.userland import Userland, run

PYTHON = "/opt/edge-daemon/venv/bin/python"
PACKAGE = "opt/edge-daemon/venv/lib/python3*/site-packages/edge_daemon"
CAMERA, OFFICE, CHECKS = "guest-camera", "guest-office", "guest-checks"
TOKEN = "tok-in-the-clear"
CAPTURES, LESSON_MIN, BEGINS_IN_MIN = 20, 30, 15
CUT_AFTER = 4
"""Number of captures before the power is cut."""
BOOT_LIMIT_S = 90 * 60
SLOW = (
    ("camera/process.py", "DEADLINE_S = 8.0", "DEADLINE_S = 120.0"),
    ("app/service/worker_process.py", "STALL_S = 120.0", "STALL_S = 1200.0"),
)
"""Longer deadlines, because the emulated processor is a hundred times slower than a board: file, old and new text."""
_SLOW_UNIT = "[Service]\nTimeoutStartSec=20min\nWatchdogSec=20min\n"
_UNIT = """[Unit]
Description=Of the test: {name}
After={after}
Before={before}
ConditionPathExists=!/boot/firmware/edge-daemon/none

[Service]
WorkingDirectory=/srv/checkout
Environment=PYTHONUNBUFFERED=1
ExecStart={command}
{more}
[Install]
WantedBy=multi-user.target
"""
_FRAMES = """import sys, cv2
from pathlib import Path
sys.path.insert(0, "demo")
import make_lesson
make_lesson.compose(Path("/srv/frames"), range(0, 24, 3))
for path in Path("/srv/frames").iterdir():
    half = cv2.resize(cv2.imread(str(path)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), half, [cv2.IMWRITE_JPEG_QUALITY, 90])
from tests import office_ca
office_ca.make(Path("/srv/certificates"))
"""
"""Program that makes the demo's lesson at half its size, so that an emulated processor needs under a minute for a
picture, and makes test certificates.
"""


def main() -> None:
    """Make the disk, boot it, cut the power, and boot it again; exit with 1 if a check failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    report = Report()
    guest = Guest(arguments.base, arguments.folder)
    system = make_disk(arguments.base, arguments.folder, report, guest.image)
    captures = 0
    for message in guest.boot():
        take(report, message)
        captures = message.get("captures", captures)
        if captures >= CUT_AFTER:
            guest.cut()
    if not report.check("power was cut in the lesson", captures >= CUT_AFTER, f"after {captures} captures"):
        raise SystemExit(f"no lesson before the cut; see {guest.console}")
    last: dict[str, Any] = {}
    for message in guest.boot():
        take(report, message)
        last = message
    report.check("the machine came to its end", last.get("end") is True, last)
    if arguments.json:
        about = "tests/slow/arm64_boot.sh ROOTFS_ARM64 FOLDER --json benchmarks/results/arm64-boot.json"
        emulated = "qemu-system-aarch64 virt, cortex-a72, 2 processors, no KVM; times say nothing of a board"
        slowed = [f"{name}: {now}" for name, _, now in SLOW] + ["units: TimeoutStartSec, WatchdogSec 20 min"]
        report.write(arguments.json, command=about, system=system, emulated=emulated, changed_for_emulation=slowed)
    print(f"{report.failed} failed" if report.failed else "every promise was kept")
    raise SystemExit(1 if report.failed else 0)


def take(report: Report, message: dict[str, Any]) -> None:
    """Add a message of the machine to the report."""
    if "check" in message:
        report.check(message["check"], message["passed"], message["detail"])
    elif "figure" in message:
        print(f"     {message['figure']} {report.figure(message['figure'], message['value']):.1f}", flush=True)


class Guest:
    """The emulated machine: its disk in a file, and a qemu process while it is on."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.image = folder / "guest.img"
        self.console = folder / "console.log"
        self.console.unlink(missing_ok=True)
        (kernel,) = (base / "boot").glob("vmlinuz-*")
        (initrd,) = (base / "boot").glob("initrd.img-*")
        self._command = [
            *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "2048"),
            *("-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio", "-accel", "tcg,thread=multi"),
            *("-kernel", str(kernel), "-initrd", str(initrd)),
            *("-append", "root=/dev/vda rw console=ttyAMA0 quiet panic=-1"),
            *("-drive", f"file={self.image},if=virtio,format=raw,cache=writeback"),
        ]
        self._qemu: subprocess.Popen[str] | None = None

    def boot(self) -> Iterator[dict[str, Any]]:
        """Switch the machine on, and yield the messages from its console until it is off."""
        begun_s = time.monotonic()
        with self.console.open("a", encoding="utf-8") as log:
            self._qemu = subprocess.Popen(
                ["timeout", "--signal=KILL", str(BOOT_LIMIT_S), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            assert self._qemu.stdout is not None
            for line in self._qemu.stdout:
                log.write(f"{time.monotonic() - begun_s:7.1f} {line}")
                log.flush()
                at = line.find('GUEST {"')
                if at >= 0:
                    yield json.loads(line[at + len("GUEST ") :])
        self._qemu.wait()

    def cut(self) -> None:
        """Cut the power."""
        assert self._qemu is not None
        subprocess.run(["pkill", "-KILL", "--parent", str(self._qemu.pid)], check=True)


def make_disk(base: Path, folder: Path, report: Report, image: Path) -> str:
    """Install as a technician does, add a prepared card's folder, and make an image; return the system's name."""
    there = Userland(base, folder / "work")
    begun_s = time.monotonic()
    result = there.call("./install.sh")
    report.check("install.sh ends well", result.returncode == 0, result.stderr[-500:] if result.returncode else "")
    if result.returncode:
        raise SystemExit(1)
    report.figure("install_in_qemu_user_s", time.monotonic() - begun_s)
    for line in (
        (PYTHON, "-c", _FRAMES),
        ("systemctl", "disable", "edge-daemon.service"),
        ("systemctl", "mask", "serial-getty@ttyAMA0.service"),
    ):
        result = there.call(*line)
        if result.returncode:
            raise SystemExit(f"{line[0]}: {result.stderr}")
    _slow_down(there)
    _test_units(there)
    _put_card(there, folder)
    system = there.version()
    for name in ("dev", "proc", "run"):
        run("umount", "--recursive", str(there.root / name))
    image.unlink(missing_ok=True)
    run("truncate", "-s", "5G", str(image))
    run("mkfs.ext4", "-q", "-F", "-d", str(there.root), str(image))
    run("umount", str(there.root))
    return system


def _slow_down(there: Userland) -> None:
    (package,) = there.root.glob(PACKAGE)
    for name, was, now in SLOW:
        path = package / name
        text = path.read_text(encoding="utf-8")
        if text.count(was) != 1:
            raise SystemExit(f"{name}: has no {was}")
        path.write_text(text.replace(was, now), encoding="utf-8")
    over = there.root / "etc/systemd/system/edge-daemon.service.d"
    over.mkdir(parents=True, exist_ok=True)
    (over / "emulated.conf").write_text(_SLOW_UNIT, encoding="utf-8")


def _test_units(there: Userland) -> None:
    office = "-m tests.office_server --folder /srv/office --certificates /srv/certificates --port 8443"
    tty = "StandardOutput=tty\nStandardError=tty\nTTYPath=/dev/ttyAMA0\n"
    loaded = "ExecStartPre=modprobe v4l2loopback video_nr=0 card_label=Classroom exclusive_caps=0 max_buffers=8\n"
    ours = "edge-daemon-firstboot.service edge-daemon.service"
    for name, command, before, after, more in (
        (CAMERA, f"{PYTHON} -m tests.slow.arm64_guest feed", ours, "systemd-udevd.service", loaded),
        (OFFICE, f"{PYTHON} {office} --token {TOKEN}", "", "network.target", ""),
        (CHECKS, f"{PYTHON} -m tests.slow.arm64_guest check", "", "edge-daemon-firstboot.service", tty),
    ):
        text = _UNIT.format(name=name, command=command, before=before, after=after, more=more)
        (there.root / f"etc/systemd/system/{name}.service").write_text(text, encoding="utf-8")
        there.call("systemctl", "enable", f"{name}.service")


def _put_card(there: Userland, folder: Path) -> None:
    shutil.rmtree(folder / "list", ignore_errors=True)
    rooms = folder / "list"
    rooms.mkdir()
    start = datetime.now(timezone.utc).replace(second=0, microsecond=0) + timedelta(minutes=BEGINS_IN_MIN)
    (rooms / "t.ics").write_text(timetable([("Physics", start, LESSON_MIN)]), encoding="utf-8")
    (rooms / "token").write_text(TOKEN, encoding="utf-8")
    shutil.copy(there.root / "srv/certificates/ca.pem", rooms)
    (rooms / "rooms.csv").write_text(
        "room,device,network,time_zone,timetable,upstream_url,upstream_token_file,upstream_ca_file,"
        "camera_kind,camera_source,device.trust_clock,lesson.captures\n"
        f"7a,room-7a,wired,Europe/Berlin,t.ics,https://localhost:8443/office,token,ca.pem,v4l2,Classroom,true,{CAPTURES}\n",
        encoding="utf-8",
    )
    cards = rooms / "cards"
    if make_cards.main([str(rooms / "rooms.csv"), "--output", str(cards), "--os", "bookworm"]) != 0:
        raise SystemExit("no card")
    shutil.copytree(cards / "room-7a", there.root / "boot/firmware", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
