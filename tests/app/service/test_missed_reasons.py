"""A missed slot gets the true reason: a camera that is gone, a killed or stopped worker, a read-only disk."""

from __future__ import annotations

import contextlib
import os
import signal
from datetime import timedelta
from pathlib import Path

from edge_daemon.app.capture.outages import STARTING_S, Outage, Outages, reason_at
from tests.cli.running import run
from tests.simulated_device import FIRST_LESSON, PATIENCE_S, Device, children, in_lesson


def reasons(device: Device) -> list[str]:
    return [str(m["reason"]) for m in device.documents()[0]["missed"]]


def worker_of(device: Device) -> int:
    """Return the process of the lesson's worker."""
    for pid in children(device.service.pid):
        with contextlib.suppress(OSError):  # a process that has ended since has no command line
            if b"\0lesson\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    raise AssertionError("no worker holds a lesson")


def waits(pid: int) -> bool:
    """Return whether a process sleeps until an event."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def counted(device: Device) -> int:
    """Return how many captures are in the counts that the service shows."""
    return (device.status().get("lesson") or {}).get("provisional_of", 0)


def test_a_worker_that_was_killed_is_the_reason_of_the_slots_until_the_next_one(device):
    at = in_lesson(device, 1)
    os.kill(worker_of(device), signal.SIGKILL)
    device.clock.stop_at(at + timedelta(seconds=3))  # shorter than the pause before the next try
    device.until(lambda: "killed by signal 9" in str(device.status().get("detail")))
    status = run(device.home.state_dir, "status")
    assert status.exit_code == 1
    assert "TO DO         tries again: its process was killed by signal 9" in status.stdout
    assert run(device.home.state_dir, "doctor").exit_code == 1
    os.kill(device.service.pid, signal.SIGSTOP)  # it moves the clock, too
    device.clock.stop_at(None)
    device.clock.pass_s((FIRST_LESSON + timedelta(minutes=44) - device.clock.reading().utc).total_seconds())
    os.kill(device.service.pid, signal.SIGCONT)
    device.until(lambda: len(device.documents()) == 1)
    device.stop()
    found = reasons(device)
    assert found
    assert set(found) == {"its process was killed by signal 9"}


def test_a_camera_that_was_gone_is_the_reason_also_where_the_service_started_again_meanwhile(device):
    in_lesson(device, 1)
    device.cut()
    frames = device.home.state_dir / "frames"
    frames.rename(device.home.state_dir / "away")
    device.clock.stop_at(None)
    device.start()
    assert device.service.wait(PATIENCE_S) == 1
    ended = device.status()
    assert "no such folder" in str(ended["ended_by"])
    assert "no such folder" in str(ended["camera_fault"])
    status = run(device.home.state_dir, "status")
    assert status.exit_code == 1
    assert "TO DO         camera: " in status.stdout
    assert "TO DO         the service ended, and systemd starts it again: " in status.stdout
    doctor = run(device.home.state_dir, "doctor")
    assert doctor.exit_code == 1
    assert "bad          camera: " in doctor.stdout
    assert "bad          service: ended, and systemd starts it again: " in doctor.stdout
    assert "camera" in doctor.stdout.splitlines()[-1].split("TO DO", 1)[1]


def test_a_worker_that_stood_still_says_so(device):
    in_lesson(device, 1)
    # A slow computer may still be at work on the picture, which would be why the next one is late. The count is last.
    device.until(lambda: counted(device) == 1)
    worker = worker_of(device)
    device.until(lambda: waits(worker))
    os.kill(worker, signal.SIGSTOP)
    device.clock.stop_at(None)
    device.clock.pass_s((FIRST_LESSON + timedelta(minutes=44) - device.clock.reading().utc).total_seconds())
    for pid in children(device.service.pid):
        os.kill(pid, signal.SIGCONT)
    device.until(lambda: len(device.documents()) == 1)
    device.stop()
    found = reasons(device)
    assert found
    assert set(found) == {"its process was stopped for a while"}


def test_an_outage_that_goes_on_is_one_and_the_latest_that_holds_an_instant_counts():
    outages = Outages()
    outages.note(10.0, 20.0, "read-only")
    outages.note(20.0, 30.0, "read-only")
    outages.note(25.0, 40.0, "killed")
    now = outages.at_start(41.0)
    assert now == (
        Outage(10.0, 41.0 + STARTING_S, "read-only"),
        Outage(25.0, 41.0 + STARTING_S, "killed"),
    )
    assert [reason_at(now, due_s) for due_s in (9.0, 10.0, 24.0, 25.0, 41.0, 200.0)] == [
        "", "read-only", "read-only", "killed", "killed", "",
    ]  # fmt: skip


def test_an_outage_that_is_long_over_ends_when_it_ended():
    outages = Outages()
    outages.note(10.0, 20.0, "read-only")
    assert outages.at_start(500.0) == (Outage(10.0, 20.0, "read-only"),)


def test_reasons_that_never_end_are_bounded():
    outages = Outages()
    for at in range(1000):
        outages.note(2.0 * at, 2.0 * at + 1, f"reason {at}")
    assert len(outages.at_start(9000.0)) == 20
