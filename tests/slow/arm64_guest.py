"""Runs inside the machine of arm64_boot.sh: feeds the camera, and reports its findings on the console.

    python -m tests.slow.arm64_guest feed|check

Every report is a line `GUEST {json}`: {"check", "passed", "detail"}, {"figure", "value"}, {"captures"} or {"end"}.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import cv2

from tests.slow.v4l2_feed import open_feed

FRAMES, DEVICE, EVERY_S = Path("/srv/frames"), "/dev/video0", 0.5
REGISTER = Path("/var/lib/edge-daemon/register.sqlite")
BOOTS, OFFICE = Path("/srv/boots"), Path("/srv/office")
PICTURES = "/srv/checkout/demo"
TOKEN = b"tok-in-the-clear"
UNDELIVERED = "SELECT kind, state FROM outbox WHERE state IN ('waiting', 'parked')"
UNIT, FIRST_BOOT = "edge-daemon.service", "edge-daemon-firstboot.service"


def feed() -> None:
    """Write pictures of the lesson to the loopback camera for ever, at the pace of a sensor."""
    pictures = [path.read_bytes() for path in sorted(FRAMES.glob("*.jpg"))]
    height_px, width_px = cv2.imread(str(next(FRAMES.glob("*.jpg")))).shape[:2]
    fd = open_feed(DEVICE, width_px, height_px, 4 << 20)
    for picture in itertools.cycle(pictures):
        os.write(fd, picture)
        time.sleep(EVERY_S)


def check() -> None:
    """Run the checks of this boot. The first boot is cut off from outside; the second one ends by switching off."""
    number = int(BOOTS.read_text()) + 1 if BOOTS.exists() else 1
    with BOOTS.open("w") as file:
        file.write(str(number))
        file.flush()
        os.fsync(file.fileno())
    if wait(lambda: show("ActiveState") == "active", 1800):
        figure(f"ready_after_boot_{number}_s", float(Path("/proc/uptime").read_text().split()[0]))
    promise("the service is ready", show("ActiveState") == "active", show("StatusText"))
    if number == 1:
        first_boot()
        enrol()
        watch()
    else:
        finished()
        tell({"end": True})
        subprocess.run(["systemctl", "poweroff"], check=False)


def first_boot() -> None:
    """Check the effects of the prepared card."""
    result = show("Result", FIRST_BOOT), show("ActiveState", FIRST_BOOT)
    promise("the first boot's unit did its work and ended", result == ("success", "inactive"), result)
    names = run("hostname"), str(Path("/etc/localtime").readlink())
    promise("host name and time zone", names == ("room-7a", "/usr/share/zoneinfo/Europe/Berlin"), names)
    boot = [path for path in Path("/boot/firmware").rglob("*") if path.is_file()]
    promise("no secret is left on the boot partition", not any(TOKEN in path.read_bytes() for path in boot))
    promise("the card's folder is gone", not Path("/boot/firmware/edge-daemon").exists())
    identity = Path("/boot/firmware/edge-daemon-identity.txt").read_text(encoding="utf-8")
    reported = json.loads(run("/opt/edge-daemon/venv/bin/edge-daemon", "identity", "--json"))
    same = reported["fingerprint"] in identity and reported["public_key"] in identity
    promise("the card says who the device is, as the device does", same, reported["fingerprint"])
    promise("the processor", run("uname", "-m") == "aarch64", run("uname", "-srm"))


def enrol() -> None:
    """Enrol students as a technician does, with the device's own key."""
    begun_s = time.monotonic()
    attendance = ["attendance", "enrol", "import", f"{PICTURES}/roster.csv"]
    completed = subprocess.run(
        [*attendance, "--photos", f"{PICTURES}/pictures/enrolment"], capture_output=True, text=True, check=False
    )
    figure("enrolment_s", time.monotonic() - begun_s)
    promise(
        "students are enrolled with the device's own key", completed.returncode == 0, completed.stdout.splitlines()[-1:]
    )


def watch() -> None:
    """Report the number of captures until the power is cut."""
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < 5400:
        tell({"captures": captures(), "status": show("StatusText")})
        time.sleep(10)


def finished() -> None:
    """Check, after the power cut, the rest of the lesson, its register, and the delivery to the office's server."""
    before = captures()
    promise("what was counted is there after the cut", before >= 4, before)
    begun_s = time.monotonic()
    held = wait(lambda: bool(rows("SELECT 1 FROM registers")), 5400)
    promise("after a power cut in the lesson there is a register", held)
    figure("until_register_s", time.monotonic() - begun_s)
    ((planned,),) = rows("SELECT captures_planned FROM lessons")
    ((missed,),) = rows("SELECT count(*) FROM missed")
    promise("every slot is taken or missed", captures() + missed == planned, f"{captures()}+{missed} of {planned}")
    reasons = rows("SELECT reason, count(*) FROM missed GROUP BY reason")
    tell({"reasons": reasons})
    figure("service_memory_mb", memory_mb())
    arrived = wait(lambda: bool(list(OFFICE.rglob("registers/*/*.json"))), 3600)
    promise("the register is on the server", arrived)
    if arrived:
        delivered()
    promise("the ledger agrees with itself", attendance("ledger", "verify").returncode == 0)
    complaints = [line for line in attendance("status").stdout.splitlines() if line.startswith("TO DO")]
    # An emulated processor may be too slow for half of the captures, which the register and status then rightly say.
    others = [line for line in complaints if "captures were taken: inconclusive" not in line]
    promise("status complains of nothing but missed captures", not others, complaints)
    failed = run("systemctl", "list-units", "--failed", "--no-legend", "--plain")
    promise("no unit failed", failed == "", failed)


def delivered() -> None:
    """Compare the server's document with what the device shows."""
    document = json.loads(next(OFFICE.rglob("registers/*/*.json")).read_text(encoding="utf-8"))
    students = {s["student_id"]: (s["verdict"], s["frames_seen"]) for s in document["students"]}
    promise("students were recognised", sum(seen > 0 for _, seen in students.values()) >= 2, students)
    listed = attendance("register", "list", "--json")
    promise("the device lists the register", document["lesson_id"] in listed.stdout, listed.stderr)
    empty = wait(lambda: not rows(UNDELIVERED), 1800)
    promise("nothing waits for delivery", empty, rows(UNDELIVERED))


def attendance(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program as its users do."""
    return subprocess.run(["attendance", *arguments], capture_output=True, text=True, check=False)


def captures() -> int:
    """Return the number of captures in the database."""
    found = rows("SELECT count(*) FROM captures")
    return int(found[0][0]) if found else 0


def rows(sql: str) -> list[tuple]:
    """Return the rows of a query on register.sqlite; empty if the file does not exist yet."""
    if not REGISTER.exists():
        return []
    with closing(sqlite3.connect(f"file:{REGISTER}?mode=ro", uri=True, timeout=60)) as db:
        return db.execute(sql).fetchall()


def memory_mb() -> float:
    """Return the memory of all processes of the service in MB, as the kernel's control group counts it."""
    return int(show("MemoryCurrent")) / 2**20


def wait(condition, limit_s: float) -> bool:
    """Wait until a condition holds; return whether it did within the limit."""
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > limit_s:
            return False
        time.sleep(3)
    return True


def show(name: str, unit: str = UNIT) -> str:
    """Return a property of a systemd unit."""
    return run("systemctl", "show", "--property", name, "--value", unit)


def run(*command: str) -> str:
    """Run a command and return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def promise(what: str, passed: bool, detail: object = "") -> None:
    """Report whether a check passed."""
    tell({"check": what, "passed": bool(passed), "detail": str(detail)})


def figure(name: str, value: float) -> None:
    """Report a measured figure."""
    tell({"figure": name, "value": round(value, 1)})


def tell(message: dict[str, object]) -> None:
    """Write one line to the console, in one piece."""
    sys.stdout.write(f"GUEST {json.dumps(message)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"feed": feed, "check": check}[sys.argv[1]]()
