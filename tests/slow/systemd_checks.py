"""Checks the effects of the program's systemd units on a machine that boots; systemd.sh starts this module.

python3 -m tests.slow.systemd_checks ROOTFS [--json OUT] [--keep]
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from tests.slow import systemd_attendance, systemd_delivery, systemd_limits, systemd_planting, systemd_sandbox
from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import LESSON, TIMETABLE, timetable

LESSON_MIN = 7
READY_S = 4.0
STOP_S = 10.0
IDLE_MB, CAPTURE_MB = 90.0, 300.0
IDLE_CPU_PERCENT = 0.2


def main() -> None:
    """Run the checks; exit with 1 if one failed."""
    command = "tests/slow/systemd.sh ROOTFS --json benchmarks/results/systemd.json"
    run_checks(lambda machine, report, _: Checks(machine, report).run(), command)


class Checks:
    """The checks of one machine, in their order."""

    def __init__(self, machine: Machine, report: Report) -> None:
        self._machine, self._report, self._service = machine, report, Service(machine)
        self._lesson: tuple[object, ...] = ()

    def run(self) -> None:
        """Check everything."""
        self._boot()
        systemd_delivery.prepare(self._machine, self._service, self._report)
        self._enrol()
        # From here on everything happens among what the process with the network could leave lying about.
        folders = systemd_planting.plant(self._machine, self._report)
        self._plan_a_lesson()
        systemd_sandbox.check(self._machine, self._service, self._report)
        self._start_on_time()
        self._kill()
        self._stacks()
        self._hang()
        self._stop()
        self._cut()
        self._finish()
        self._jobs()
        systemd_delivery.check(self._machine, self._service, self._report, absent="S3")
        systemd_attendance.check(self._machine, self._service, self._report)
        systemd_planting.exercise(self._machine, self._report, folders)
        systemd_planting.check(self._machine, self._report)
        systemd_limits.check(self._machine, self._service, self._report)

    def _boot(self) -> None:
        report, service = self._report, self._service
        report.figure("boot_s", self._machine.boot())
        took = wait_for(service.is_ready, 60)
        ready_s = self._ready_s()
        report.check("boots to READY", took is not None, f"{ready_s:.1f} s after its start")
        if took is None:
            raise SystemExit(service.journal())
        self._ready(ready_s)
        report.check("STATUS says that no lesson comes", "no lesson" in service.status, service.status)

    def _ready(self, first_s: float) -> None:
        """Check how fast the service is ready, by the best of four starts, because the host may be busy."""
        taken_s = [self._report.figure("first_start_to_ready_s", first_s)]
        for _ in range(3):
            self._machine.run("systemctl", "restart", "edge-daemon")
            taken_s.append(self._ready_s())
        self._machine.run("systemctl", "reset-failed", "edge-daemon")  # or these starts count towards the limit
        best_s = self._report.figure("start_to_ready_s", min(taken_s))
        start_times = ", ".join(f"{s:.1f}" for s in taken_s)
        self._report.check(f"start to READY <= {READY_S:.0f} s", best_s <= READY_S, f"the best of {start_times} s")

    def _ready_s(self) -> float:
        started = int(self._service.show("ExecMainStartTimestampMonotonic"))
        return (int(self._service.show("ActiveEnterTimestampMonotonic")) - started) / 1e6

    def _enrol(self) -> None:
        out = self._service.command(
            *("enrol", "import", f"{LESSON}/roster.csv", "--photos", f"{LESSON}/pictures/enrolment", "--json")
        )
        self._report.check("students are enrolled with the service's key (systemd-run)", '"accepted"' in out)

    def _plan_a_lesson(self) -> None:
        service, since = self._service, self._service.cursor()
        start = datetime.now(timezone.utc).replace(second=0, microsecond=0) + timedelta(minutes=2)
        self._machine.write(TIMETABLE, timetable([("Physics", start, LESSON_MIN)]))
        self._report.check("reload answers", service.systemctl("reload", "edge-daemon") == 0)
        took = wait_for(lambda: "Physics" in service.status, 5)
        self._report.check(
            "SIGHUP takes the new timetable; STATUS says what comes next", took is not None, service.status
        )
        took = wait_for(lambda: bool(service.rows("SELECT 1 FROM sealed_plans")), 60)
        ahead = (start - datetime.now(timezone.utc)).total_seconds()
        detail = f"{ahead:.0f} s" if took is not None else " | ".join(service.journal(since).splitlines()[-6:])
        self._report.check("the plan is on record before the lesson", took is not None and ahead > 0, detail)
        self._report.check("the journal says nothing of a failure", "Traceback" not in service.journal(since))

    def _start_on_time(self) -> None:
        service, report = self._service, self._report
        took = wait_for(lambda: service.captures() >= 3, 200, 0.5)
        report.check("the lesson starts on the timetable: captures appear", took is not None, service.status)
        if took is None:
            raise SystemExit(service.journal())
        self._lesson = self._seed()
        start = datetime.fromisoformat(str(self._lesson[2]))
        (first,) = service.rows("SELECT min(taken_at_utc) FROM captures")
        late_s = (datetime.fromisoformat(first[0]) - start).total_seconds()
        report.check(
            "the first capture is within its slot", 0 <= late_s <= 6, f"{late_s:.1f} s after the lesson's start"
        )
        report.check("STATUS counts the captures", "captures taken" in service.status, service.status)
        self._memory_in_a_lesson()

    def _memory_in_a_lesson(self) -> None:
        samples = []
        enough = self._service.captures() + 8
        wait_for(lambda: samples.append(self._service.pss_mb()) or self._service.captures() >= enough, 90, 0.1)
        most = self._report.figure("lesson_pss_max_mb", max(samples))
        what = f"{most:.0f} MB at most of {len(samples)} looks, pictures of 4608x2592"
        self._report.check(f"memory in a lesson <= {CAPTURE_MB:.0f} MB", most <= CAPTURE_MB, what)
        self._locked_in_a_lesson()

    def _locked_in_a_lesson(self) -> None:
        promise = "faces and keys are locked in memory, in every process of a lesson"
        limit = self._service.locked_memory_limit()
        if limit != "unlimited":
            why = f"this host does not let the unit have its limit (CAP_SYS_RESOURCE is missing): {limit} bytes"
            self._report.not_checked(promise, why)
            return
        unlocked = self._service.unlocked_kb()
        locked = len(unlocked) >= 3 and not any(unlocked.values())
        self._report.check(promise, locked, f"kB that could be swapped, for each process: {unlocked}")

    def _seed(self) -> tuple[object, ...]:
        found = self._service.rows("SELECT lesson_id, seed_sha256, start_utc, captures_planned FROM lessons")
        assert len(found) == 1, found
        return found[0]

    def _kill(self) -> None:
        # The next start has a shorter watchdog, which the next check but one waits for.
        self._service.override("edge-daemon.service", "watchdog", "[Service]\nWatchdogSec=20\n")
        old = self._service.processes()
        self._goes_on("kill -9", lambda: self._machine.run("kill", "-9", str(self._service.pid)), 30)
        left = set(old) & set(self._service.processes())
        self._report.check("kill -9 leaves no process of the old ones", not left, f"{len(old)} before")

    def _goes_on(self, what: str, harm: Callable[[], object], within_s: float) -> None:
        """Cause a failure, and check that the service restarts and continues the same plan."""
        service, report = self._service, self._report
        pid = service.pid
        harm()
        back = wait_for(lambda: service.is_ready() and service.pid not in (0, pid), within_s)
        ready_s = self._ready_s() if back is not None else 0.0
        detail = f"READY {ready_s:.1f} s after its start"
        report.check(f"{what}: started again", back is not None, detail)
        report.figure(f"{re.sub('[^a-z0-9]+', '_', what.lower())}_start_to_ready_s", ready_s)
        before = service.captures()
        took = wait_for(lambda: service.captures() > before, 40)
        report.check(f"{what}: captures go on", took is not None, service.status)
        report.check(f"{what}: the same plan", self._seed() == self._lesson)

    def _stacks(self) -> None:
        since, pid = self._service.cursor(), self._service.pid
        self._machine.run("kill", "-USR1", str(pid))
        found = wait_for(lambda: "most recent call first" in self._service.journal(since), 5)
        self._report.check("SIGUSR1 writes the stacks to the journal", found is not None)
        self._report.check("SIGUSR1 harms nothing", self._service.pid == pid)

    def _hang(self) -> None:
        since = self._service.cursor()
        self._goes_on("SIGSTOP", lambda: self._machine.run("kill", "-STOP", str(self._service.pid)), 90)
        text = self._service.journal(since)
        self._report.check("the watchdog noticed", "Watchdog timeout" in text, "WatchdogSec=20 here")
        self._report.check("the stacks of that moment are in the journal", "Fatal Python error: Aborted" in text)
        self._service.override("edge-daemon.service", "watchdog", "")

    def _stop(self) -> None:
        service, began = self._service, time.monotonic()
        service.systemctl("stop", "edge-daemon")
        took = self._report.figure("stop_in_a_lesson_s", time.monotonic() - began)
        self._report.check(f"SIGTERM in a lesson ends within {STOP_S:.0f} s", took <= STOP_S, f"{took:.1f} s")
        result = service.show("Result")
        self._report.check("and is no failure", (service.active, result) == ("inactive", "success"), result)
        again = service.show("ActiveState", "edge-daemon-again.timer")
        self._report.check("systemctl stop keeps it stopped: its timer is stopped, too", again == "inactive", again)
        self._goes_on("start", lambda: service.systemctl("start", "edge-daemon"), 20)
        again = service.show("ActiveState", "edge-daemon-again.timer")
        self._report.check("with the service its timer is there again", again == "active", again)

    def _cut(self) -> None:
        def cut() -> None:
            self._machine.cut()
            self._machine.boot()

        self._goes_on("power cut", cut, 60)

    def _finish(self) -> None:
        service, report = self._service, self._report
        over = wait_for(lambda: bool(service.rows("SELECT 1 FROM registers")), 60 * LESSON_MIN, 1)
        report.check("after the lesson there is a register", over is not None)
        listed = service.command("register", "list", "--json")
        report.check("the register can be listed with the service's key", str(self._lesson[0]) in listed)
        taken = service.captures()
        (missed,) = service.rows("SELECT count(*), count(DISTINCT reason) FROM missed")
        planned = int(str(self._lesson[3]))
        report.figure("captures_taken", taken)
        report.figure("captures_missed", missed[0])
        report.check(
            "every slot is taken or missed with its reason", taken + missed[0] == planned, f"{taken}+{missed[0]}"
        )
        (seen,) = service.rows("SELECT count(DISTINCT student_id) FROM sightings")
        report.check("enrolled students were recognised", seen[0] >= 3, f"{seen[0]} of the demo's")
        self._journal()
        self._idle()

    def _journal(self) -> None:
        lesson_id = str(self._lesson[0])
        found = self._machine.run("journalctl", "-o", "cat", "--no-pager", f"LESSON_ID={lesson_id}").splitlines()
        self._report.check("the journal can be asked for a lesson", bool(found), "; ".join(sorted(set(found)))[:200])
        text = self._machine.run("journalctl", "-o", "export", "--no-pager")
        rows = (self._machine.root / LESSON.lstrip("/") / "roster.csv").read_text(encoding="utf-8").splitlines()[1:]
        leaks = [row for row in rows if any(re.search(rf"\b{word}\b", text) for word in row.split(",")[:3] if word)]
        self._report.check(
            "nobody's name, id or address is in the journal", not leaks and len(rows) >= 3, f"{len(rows)} students"
        )

    def _idle(self) -> None:
        service, report = self._service, self._report
        idle = wait_for(lambda: len(service.processes()) == 1, 30)
        before, began = service.cpu_s(), time.monotonic()
        time.sleep(60)  # the time itself is what is measured
        percent = report.figure("idle_cpu_percent", 100 * (service.cpu_s() - before) / (time.monotonic() - began))
        report.check(
            f"processor between lessons <= {IDLE_CPU_PERCENT} %", percent <= IDLE_CPU_PERCENT, f"{percent:.3f} %"
        )
        least = report.figure("idle_pss_mb", service.pss_mb())
        report.check(
            f"memory between lessons <= {IDLE_MB:.0f} MB", idle is not None and least <= IDLE_MB, f"{least:.0f} MB"
        )

    def _jobs(self) -> None:
        service, report = self._service, self._report
        listed = self._machine.run("systemctl", "list-timers", "--all", "--no-pager")
        for timer in ("backup", "retention", "sync", "again"):
            report.check(f"edge-daemon-{timer}.timer is listed", f"edge-daemon-{timer}.timer" in listed)
        for job in ("backup", "retention", "sync"):
            code = service.systemctl("start", f"edge-daemon-{job}")
            text = service.journal(unit=f"edge-daemon-{job}").strip().splitlines()
            detail = (text[-2] if len(text) > 1 else text) if code == 0 else " | ".join(text[-8:])
            report.check(f"the job {job} does its work in its sandbox", code == 0, detail)
        copies = self._machine.try_("ls", "/var/lib/edge-daemon/backups").stdout.split()
        report.check("there are backups", bool(copies), " ".join(copies))


if __name__ == "__main__":
    main()
