"""Brings about each state of the table "Eight o'clock" in docs/OPERATIONS.md; `status` and `doctor` have to report it.

If a person has to act, both exit with 1, name the fault, and say what to do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.loop_disk import loop_disk
from edge_daemon.app.firstboot import steps
from edge_daemon.app.health import doctor, overview
from edge_daemon.app.health.doctor import Doctor
from edge_daemon.app.health.overview import look
from edge_daemon.device import host
from edge_daemon.errors import ProvisioningError
from edge_daemon.home import Home
from tests import mail_school, sync_device
from tests.cli.running import CommandResult, run
from tests.device.fake_sys import pi4
from tests.mail_server import PASSWORD, USER, Server
from tests.office_server import OfficeServer
from tests.provisioning import devices
from tests.registers import a_home, a_lesson, a_register
from tests.simulated_device import (
    CALENDAR,
    CONFIG,
    FIRST_LESSON,
    PATIENCE_S,
    ROOT,
    Device,
    after_last_capture,
    in_lesson,
)

OPERATIONS = Path(__file__).parents[3] / "docs" / "OPERATIONS.md"
TESTED: dict[str, str] = {}
"""Maps a row of the table to the test for it."""


def row(first_words: str) -> Callable[[Any], Any]:
    """Mark the row of the table that a test is about."""

    def noted(test: Any) -> Any:
        assert first_words not in TESTED
        TESTED[first_words] = test.__name__
        return test

    return noted


def rows_of_the_table() -> list[str]:
    """Return the identifier of each row: its first cell, or the first words of the second if the first is empty."""
    text = OPERATIONS.read_text(encoding="utf-8")
    table = text.split("## Eight o'clock", 1)[1].split("\n\n", 2)[1]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
    return [first or second.partition(":")[0] for first, second, *_ in cells]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(doctor, "WARM_UP_S", 0.0)
    monkeypatch.setattr(doctor, "time_embedders", lambda models: {"float16": 5.0, "float32": 5.0, "int8": 5.0})
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def status_and_doctor(folder: Path) -> tuple[CommandResult, CommandResult]:
    """Run both commands; each bad check needs advice, and the last line has to name all of them."""
    status, found = run(folder, "status"), run(folder, "doctor")
    assert (status.stderr, found.stderr) == ("", "")
    lines = found.stdout.splitlines()
    bad = [line.split()[1:] for line in lines if line.startswith("bad ")]
    if bad:
        assert lines[-1].startswith("TO DO")
        for name in bad:
            assert " ".join(name).partition(":")[0] in lines[-1]
    return status, found


def assert_fault(folder: Path, in_status: str, in_doctor: str) -> tuple[CommandResult, CommandResult]:
    """Both exit with 1 and report it: `status` in a line TO DO, `doctor` in a line that begins with `bad`."""
    status, found = status_and_doctor(folder)
    assert status.exit_code == found.exit_code == 1, status.stdout + found.stdout
    to_do = [line for line in status.stdout.splitlines() if line.startswith("TO DO")]
    assert any(in_status in line for line in to_do), status.stdout
    bad = [line for line in found.stdout.splitlines() if line.startswith("bad ")]
    assert any(in_doctor in line for line in bad), found.stdout
    return status, found


def service_line(found: CommandResult) -> str:
    return next(line for line in found.stdout.splitlines() if " service: " in line)


def hold_lesson(device: Device) -> dict[str, Any]:
    """Hold the first lesson; return its register."""
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    device.stop()
    return device.documents()[0]


# --- the room and the network


@row("the room is missing at the office")
def test_a_room_without_a_network_is_missing_at_the_office_and_says_why(tmp_path):
    unplugged = ["unshare", "-n", "sh", "-c", 'ip tuntap add dev eth0 mode tap && exec "$@"', "sh"]
    if subprocess.run([*unplugged, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no cable can be pulled here")
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        home = sync_device.a_device(tmp_path / "home", server)
        sync_device.run(home, sync_device.Clock())
    collected = run(tmp_path / "laptop", "collect", str(tmp_path / "office"), "--output", str(tmp_path / "TERM.xlsx"))
    assert "silent: room 204: not heard of for" in collected.stdout, collected.stdout
    sync_device.add_lessons(home, [5])
    settings = home.config_path.read_text(encoding="utf-8")
    home.config_path.write_text(settings.replace(server.url, "https://office.example.org"), encoding="utf-8")

    def cut_off(*command: str) -> subprocess.CompletedProcess[str]:
        program = [*unplugged, sys.executable, "-m", "edge_daemon", "--home", str(home.state_dir)]
        return subprocess.run([*program, *command], capture_output=True, text=True, check=False, cwd=ROOT)

    cut_off("sync")
    status, found = cut_off("status"), cut_off("doctor")
    assert (status.returncode, found.returncode) == (1, 1)
    assert re.search(r"^TO DO .*no network.*: check the cable or the Wi-Fi$", status.stdout, re.MULTILINE)
    assert re.search(r"^bad +delivery: .*no network.*: check the cable or the Wi-Fi", found.stdout, re.MULTILINE)
    assert re.search(r"^bad +network: no default route", found.stdout, re.MULTILINE)
    assert "no sync runs" not in status.stdout


@row("on the device")
def test_a_wrong_token_is_reported_with_the_answer_of_the_server(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        home = sync_device.a_device(tmp_path / "home", server)
        server.token = "another"
        sync_device.run(home, sync_device.Clock())
        assert_fault(home.state_dir, "upstream accepts nothing until it is repaired: ", "upstream: ")
        assert "does not know this device's token (401)" in run(home.state_dir, "status").stdout


@row("`ALARM … the office's server`")
def test_a_key_that_somebody_replaced_on_the_offices_server_is_an_alarm(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        home, clock = sync_device.a_device(tmp_path / "home", server), sync_device.Clock()
        sync_device.run(home, clock)
        own = sync_device.document(server, "key.json")
        place = server.folder / f"v1/devices/{sync_device.DEVICE}/key.json"
        place.write_text(json.dumps({**own, "public_key": "ab" * 32}), encoding="utf-8")
        clock.forward(hours=1)
        sync_device.run(home, clock)
        words = "key.json on the office's server was replaced"
        status, _ = assert_fault(home.state_dir, words, words)
        assert "ALARM since" in status.stdout


@row("no mail at all")
def test_a_mail_server_that_refuses_the_log_in_is_named(tmp_path):
    with school_with_mail(tmp_path) as (home, server):
        server.mood.auth_answer = "535 5.7.8 authentication failed"
        mail_school.hold(home)
        sync_device.run(home, sync_device.Clock(mail_school.FRIDAY + timedelta(hours=5)))
        status, _ = assert_fault(home.state_dir, "mail accepts nothing until it is repaired: ", "delivery: ")
        assert "refuses the log-in: 535" in status.stdout


@row("a parent did not get a message")
def test_an_address_that_the_mail_server_refuses_is_parked_and_reported(tmp_path):
    with school_with_mail(tmp_path) as (home, server):
        server.mood.receiver["adler@home.example"] = "550 5.1.1 no such user"
        mail_school.hold(home)
        sync_device.run(home, sync_device.Clock(mail_school.FRIDAY + timedelta(hours=5)))
        assert_fault(home.state_dir, "mail: 1 item was refused for good", "1 item was refused for good")
        assert "550" in run(home.state_dir, "outbox", "list", "--state", "parked").stdout


class school_with_mail:  # noqa: N801 - used as a function
    """A school of `mail_school`, and a mail server that accepts its mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = Server(folder / "ca")

    def __enter__(self) -> tuple[Home, Server]:
        self._server.__enter__()
        settings = mail_school.SETTINGS.replace('"mail.school.example"', f'"127.0.0.1"\nport = {self._server.port}')
        settings += f'ca_file = "{self._folder}/ca/ca.pem"\nusername = "{USER}"\npassword_file = "password"\n'
        home = mail_school.make(self._folder / "home", settings + "per_minute = 600\n")
        (home.state_dir / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        (home.state_dir / "password").chmod(0o600)
        return home, self._server

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()


# --- the camera and the room


@row("the camera is dead: `TO DO camera`")
def test_a_camera_that_is_gone_is_to_do_in_both(device):
    shutil.rmtree(device.home.state_dir / "frames")
    device.start()
    assert device.service.wait(PATIENCE_S) == 1
    _, found = assert_fault(device.home.state_dir, "camera: ", "camera: ")
    assert service_line(found).startswith("bad ")
    assert "camera" in found.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        ("", "inconclusive", "room_empty, hardly any faces were there"),
        ("[rule]\nunusual_share = 0\n", "absent", "everybody was absent in the last lesson"),
    ],
)
@row("nobody was recognised")
def test_a_room_in_which_no_student_was_recognised_is_to_do(device, settings, verdict, words):
    with (device.home.state_dir / "config.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    rng = np.random.default_rng(4)
    room = cv2.resize(rng.integers(40, 200, (36, 64, 3), np.uint8), (1152, 648), interpolation=cv2.INTER_NEAREST)
    for picture in (device.home.state_dir / "frames").iterdir():
        noise = rng.normal(0, 2, room.shape)
        cv2.imwrite(str(picture), np.clip(room + noise, 0, 255).astype(np.uint8))
    document = hold_lesson(device)
    assert {s["verdict"] for s in document["students"]} == {verdict, "not_assessed"}
    assert_fault(device.home.state_dir, words, words)


@row("everybody `inconclusive`")
def test_a_lesson_with_too_few_captures_says_how_many_and_why(device):
    for picture in sorted((device.home.state_dir / "frames").iterdir())[1:]:
        picture.write_bytes(b"no picture")
    document = hold_lesson(device)
    assert {s["verdict"] for s in document["students"]} == {"inconclusive", "not_assessed"}
    words = "of the last lesson only 1 of 4 captures were taken: inconclusive ("
    status, _ = assert_fault(device.home.state_dir, words, words)
    assert "is damaged, truncated or not a picture" in status.stdout


@row("everybody `not_assessed`")
def test_a_class_without_consent_is_reported_after_its_lesson(device):
    roster = (ROOT / "demo" / "roster.csv").read_text(encoding="utf-8").replace(",yes", ",no")
    (device.home.state_dir / "roster.csv").write_text(roster, encoding="utf-8")
    assert run(device.home.state_dir, "enrol", "import", str(device.home.state_dir / "roster.csv")).exit_code == 0
    document = hold_lesson(device)
    assert {s["verdict"] for s in document["students"]} == {"not_assessed"}
    words = "nobody of the last lesson could be assessed"
    _, found = assert_fault(device.home.state_dir, words, words)
    assert "gallery: " in found.stdout


@row("one pupil absent who was there")
def test_of_one_pupil_who_was_not_recognised_the_device_knows_nothing_but_the_register_has_the_evidence(tmp_path):
    lesson = a_lesson()
    home = a_home(tmp_path, [a_register(lesson, {"a": 1.0, "b": 0.9, "c": 0.1})])
    home.chmod(0o700)
    status, found = status_and_doctor(home)
    assert (status.exit_code, found.exit_code) == (0, 0), status.stdout + found.stdout
    output = run(home, "register", "show", lesson.lesson_id[:8]).stdout
    assert re.search(r"^c +.*absent +2 +2 +10%", output, re.MULTILINE), output


# --- the timetable


@row("a lesson is missing")
def test_a_lesson_that_went_by_while_the_device_was_off_is_to_do_for_a_day(device):
    now = datetime.now(timezone.utc).replace(microsecond=0)
    first = now - timedelta(hours=26)
    calendar = CALENDAR.replace("20261123T080000Z", f"{first:%Y%m%dT%H%M%SZ}")
    device.timetable(calendar.replace("20261123T084500Z", f"{first + timedelta(minutes=45):%Y%m%dT%H%M%SZ}"))
    device.clock.set(utc=first - timedelta(hours=1))
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    device.cut()
    device.clock.set(utc=now, boot=2)
    device.clock.stop_at(now + timedelta(minutes=2))
    device.start()
    device.until(device.ready)
    assert_fault(device.home.state_dir, "was not held: the device was off", "was not held: the device was off")
    status = run(device.home.state_dir, "status").stdout
    assert re.search(r"^not held +1 in the last 7 days, the latest Maths", status, re.MULTILINE)
    assert list(look(device.home, now + timedelta(days=2)).problems) == []


@row("lessons at wrong times")
def test_a_calendar_in_a_time_zone_that_does_not_exist_is_to_do(device):
    device.timetable(re.sub(r"(DTSTART|DTEND):(\d+T\d+)Z", r"\1;TZID=Mars/Base:\2", CALENDAR))
    device.clock.stop_at(FIRST_LESSON)
    device.start()
    device.until(device.ready)
    _, found = assert_fault(device.home.state_dir, "timetable: ", "nothing in it can be used")
    assert service_line(found).startswith("bad ")
    checked = run(device.home.state_dir, "timetable", "check")
    assert "the time zone 'Mars/Base' is not known" in checked.stdout


# --- the device


@row("`TO DO` in `status`")
def test_each_line_of_the_doctor_that_is_bad_says_what_to_do(device):
    (device.home.state_dir / "config.toml").write_text(CONFIG.format(captures=4) + "[rule]\nshare = 2\n")
    (device.home.state_dir / "gallery.sqlite").chmod(0o644)
    device.home.state_dir.chmod(0o755)
    _, found = assert_fault(device.home.state_dir, "rule.share", "settings: ")
    lines = found.stdout.splitlines()
    bad = [number for number, line in enumerate(lines) if line.startswith("bad ")]
    assert len(bad) >= 2
    assert all(lines[number + 1].startswith("             -> ") for number in bad), found.stdout


@row("captures are missed for the disk")
def test_a_card_that_goes_read_only_in_a_lesson_is_to_do_in_both_and_no_line_calls_it_good(prepared, tmp_path):
    with suppress(OSError), loop_disk(tmp_path, 800) as disk:
        if not Path(f"/sys/fs/ext4/{disk.device}/trigger_fs_error").exists():
            pytest.skip("faults can't be injected here: /sys is not mounted")
        on_a_card(disk.folder, prepared, tmp_path, disk.fail)
        return
    pytest.skip("no disk of its own can be made here")


def on_a_card(folder: Path, prepared: Path, beside: Path, fail: Callable[[], None]) -> None:
    """Hold a lesson on a card that fails during it. Files in memory, or of the test itself, are elsewhere."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    folder.chmod(0o700)
    (beside / "run").mkdir()
    (folder / "run").symlink_to(beside / "run")
    (folder / "clock").symlink_to(beside / "clock")
    device = Device(folder)
    device.log_path = beside / "service.log"
    try:
        in_lesson(device, 1)
        late = after_last_capture(device)
        fail()
        device.clock.stop_at(None)
        device.clock.stop_at(late)
        device.until(lambda: dict(device.status().get("lesson") or {}).get("captures_missed", 0) == 3)
        status, found = assert_fault(folder, "storage: ", "disk: ")
        assert "read-only" in status.stdout
        assert service_line(found).startswith("bad ")
        assert re.search(r"^lesson .*1 of 4 captures taken, 3 missed \(the last: the disk", status.stdout, re.MULTILINE)
    finally:
        if device.service is not None and device.service.poll() is None:
            device.cut()


@row("nothing answers, no ssh")
def test_a_card_that_was_not_taken_over_has_its_reason_on_it_and_no_service_runs(tmp_path, monkeypatch):
    card = devices.Device(tmp_path / "device")
    card.put(devices.card_folder(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/etc/edge-daemon/config.toml")

    monkeypatch.setattr(steps, "_settings", full)
    with pytest.raises(ProvisioningError):
        card.start()
    assert "No space left" in card.text("boot/firmware/edge-daemon-problem.txt")
    monkeypatch.setattr(Home, "runtime_dir", tmp_path / "run")
    home = Home(None)
    home.state_dir, home.config_path = tmp_path / "state", card.root / "etc/edge-daemon/config.toml"
    found = look(home, datetime.now(timezone.utc))
    assert "no service runs: `systemctl status edge-daemon` says why" in found.problems
    checks = {check.name: check for check in Doctor(home, card.root).checks()}
    assert (checks["service"].state, checks["state folder"].state) == ("bad", "bad")


@row("the box is hot, slow")
def test_a_box_that_is_too_hot_and_has_bad_power_is_to_do(device, tmp_path, monkeypatch):
    root = pi4(tmp_path / "root", throttled="50005", milli_c="86000")
    for module in (overview, doctor.hosts):
        monkeypatch.setattr(module, "read_host", lambda state_dir, *_: READ_HOST(state_dir, root))
    assert_fault(device.home.state_dir, "temperature: 86 °C", "temperature: 86 °C")
    assert_fault(
        device.home.state_dir, "power: the power supply is too weak now", "power: the power supply is too weak"
    )


READ_HOST = host.read_host


@row("`database damaged` in the journal")
def test_a_database_that_was_damaged_is_reported_until_the_next_lesson_was_held(device):
    device.start()
    device.until(lambda: len(device.documents()) == 1)
    device.stop()
    assert run(device.home.state_dir, "maintain", "backup").exit_code == 0
    with device.home.register_db_path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 8))
    for name in ("-wal", "-shm"):
        Path(f"{device.home.register_db_path}{name}").unlink(missing_ok=True)
    device.clock.stop_at(device.clock.reading().utc + timedelta(minutes=2))
    device.start()
    device.until(device.ready)
    assert_fault(device.home.state_dir, "storage: ", "service: ")
    assert (device.home.damaged_dir / "NOTES.txt").exists()
    device.clock.stop_at(None)
    device.until(lambda: len(device.documents()) == 2)
    device.clock.stop_at(device.clock.reading().utc + timedelta(minutes=2))
    device.until(lambda: device.status().get("lesson") is None)
    assert "storage: " not in run(device.home.state_dir, "status").stdout
    device.stop()


def test_every_row_of_the_table_has_its_test():
    assert set(TESTED) == set(rows_of_the_table())
