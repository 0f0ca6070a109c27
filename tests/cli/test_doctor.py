"""`doctor` on working and on broken installations."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.app.health import doctor, doctor_service
from edge_daemon.app.health.doctor import Doctor
from edge_daemon.app.health.doctor_delivery import network_check
from edge_daemon.camera.process import CameraProcess
from edge_daemon.device.host import read_host
from edge_daemon.device.status import write_status
from edge_daemon.home import Home
from edge_daemon.vision.models import default_models_dir
from tests.cli.running import run
from tests.device.fake_sys import pi4
from tests.device.test_status import a_status
from tests.disks import small_disk

__all__ = ["small_disk"]

ALL = {
    *("settings", "models", "parity", "embedder", "gallery", "device key", "passwords", "timetable", "camera", "clock"),
    *(
        "mail",
        "mail texts",
        "upstream",
        "delivery",
        "registers",
        "service",
        "state folder",
        "backup",
        "erasures",
        "disk",
        "memory",
        "temperature",
        "power",
    ),
    "network",
    "office key",
    "updates",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(doctor, "WARM_UP_S", 0.0)
    # A busy computer may need longer than a device to start the camera's process.
    monkeypatch.setitem(CameraProcess.__init__.__kwdefaults__, "deadline_s", 60.0)
    monkeypatch.setattr(Doctor.__init__, "__defaults__", (Path("/"), 60.0))
    monkeypatch.setattr(doctor, "time_embedders", lambda models: {"float16": 5.0, "float32": 5.0, "int8": 5.0})


@pytest.fixture
def home(tmp_path):
    """A home with a camera that gives one good picture, and a lesson tomorrow."""
    folder = tmp_path / "home"
    (folder / "frames").mkdir(parents=True)
    folder.chmod(0o700)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "frames" / "1.png"), cv2.resize(noise, (320, 240), interpolation=cv2.INTER_NEAREST))
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    (folder / "school.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{tomorrow:%Y%m%dT%H%M%SZ}\r\nDURATION:PT45M\r\nSUMMARY:Math\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    settings = '[camera]\nkind = "files"\nsource = "frames"\n[timetable]\nfiles = ["school.ics"]\n'
    (folder / "config.toml").write_text(settings)
    return folder


def checks_of(folder, **arguments) -> dict[str, doctor.Check]:
    return {check.name: check for check in Doctor(Home(folder), **arguments).checks()}


def test_all_is_looked_at_and_a_sound_home_has_nothing_bad(home):
    result = run(home, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert set(checks) == ALL
    assert {name for name, check in checks.items() if check["state"] == "bad"} == set()
    for name in ("settings", "models", "parity", "embedder", "timetable", "camera", "registers", "state folder"):
        assert checks[name]["state"] == "good", checks[name]
    assert result.exit_code == 0
    assert result.stderr == ""


def test_everything_that_is_not_good_has_advice_in_one_line(tmp_path):
    (tmp_path / "config.toml").write_text('[camera]\nkind = "v4l2"\nsource = "/dev/video99"\n')
    for check in checks_of(tmp_path).values():
        assert "\n" not in check.found + check.advice
        assert bool(check.advice) or check.state in ("good", "not checked")


def test_an_empty_home_is_no_reason_to_worry(tmp_path):
    result = run(tmp_path, "doctor")
    assert result.exit_code == 0
    advice = f"enrol first: `edge-daemon --home {tmp_path} enrol import ROSTER.csv --photos FOLDER`"
    assert f"warning      gallery: nobody is enrolled\n             -> {advice}\n" in result.stdout


def test_doctor_reports_the_picture_with_its_size(home):
    assert "320 x 240" in checks_of(home)["camera"].found


def test_a_camera_that_is_not_there_is_bad(home):
    (home / "config.toml").write_text('[camera]\nkind = "v4l2"\nsource = "/dev/video99"\n')
    assert checks_of(home)["camera"].state == "bad"


def test_a_black_picture_is_bad(home):
    cv2.imwrite(str(home / "frames" / "1.png"), np.zeros((240, 320, 3), np.uint8))
    camera = checks_of(home)["camera"]
    assert camera.state == "bad"
    assert "black" in camera.found


def test_a_changed_model_is_bad_and_the_exit_code_says_so(tmp_path):
    models = tmp_path / "models"
    shutil.copytree(default_models_dir(), models, ignore=shutil.ignore_patterns("build"))
    file = models / "mobilefacenet_float16.tflite"
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(data)
    (tmp_path / "config.toml").write_text(f'[models]\ndir = "{models}"\n')
    result = run(tmp_path, "doctor")
    assert result.exit_code == 1
    assert "bad          models: " in result.stdout
    assert "mobilefacenet_float16.tflite" in result.stdout


def test_networks_of_ones_own_have_no_stored_vectors(tmp_path):
    models = tmp_path / "models"
    shutil.copytree(default_models_dir(), models, ignore=shutil.ignore_patterns("build", "golden"))
    (tmp_path / "config.toml").write_text('[models]\ndir = "models"\n')
    assert checks_of(tmp_path)["parity"].state == "not checked"


def test_wrong_settings_are_one_finding_of_many(tmp_path):
    (tmp_path / "config.toml").write_text("[rule]\nshare = 2\n")
    result = run(tmp_path, "doctor", "--json")
    assert result.exit_code == 1
    states = {check["name"]: check["state"] for check in json.loads(result.stdout)}
    assert states["settings"] == "bad"
    assert states["disk"] == "good"
    assert "models" not in states


def test_a_precision_that_is_set_is_used(home, monkeypatch):
    (home / "config.toml").write_text('[models]\nembedder = "float32"\n')
    checks = checks_of(home)
    assert "float32 is used; a face takes: float16 5.0 ms, float32 5.0 ms, int8 5.0 ms" in checks["embedder"].found
    assert "mobilefacenet-float32" in checks["parity"].found


def test_a_faster_file_is_recommended(home, monkeypatch):
    monkeypatch.setattr(doctor, "time_embedders", lambda models: {"float16": 3.0, "float32": 5.0, "int8": 5.0})
    check = checks_of(home)["embedder"]
    assert (check.state, 'embedder = "float16"' in check.advice) == ("warning", True)


def test_a_board_with_bad_power_says_so(home, tmp_path):
    checks = checks_of(home, root=pi4(tmp_path / "root", throttled="50005", milli_c="86000"))
    assert checks["power"].state == "bad"
    assert checks["temperature"].found == "86 °C"
    assert checks["memory"].found.startswith("2929 of 3793 MB")


def test_a_broken_timetable_is_named_with_its_line(home):
    (home / "school.ics").write_text("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nnonsense\r\n")
    check = checks_of(home)["timetable"]
    assert check.state == "bad"
    assert "school.ics" in check.found


def test_a_timetable_of_which_nothing_can_be_used_is_bad_in_the_words_of_check(home):
    text = (home / "school.ics").read_text()
    (home / "school.ics").write_text(text.replace("DURATION:PT45M", "DURATION:45M"))
    check = checks_of(home)["timetable"]
    assert check.state == "bad"
    assert f"{home / 'school.ics'}: nothing in it can be used, of 1 events" in check.found
    checked = run(home, "timetable", "check")
    assert (checked.exit_code, "nothing in it can be used, of 1 events" in checked.stderr) == (1, True)


def test_remarks_on_the_timetable_are_counted(home):
    text = (home / "school.ics").read_text()
    (home / "school.ics").write_text(text.replace("SUMMARY", "EXDATE:20300101\nSUMMARY"))
    check = checks_of(home)["timetable"]
    assert (check.state, check.found) == ("good", "1 lesson in the next 7 days, 1 remark")


def test_while_the_service_holds_the_camera_doctor_leaves_it_alone(home, monkeypatch):
    monkeypatch.setattr(doctor, "_one_picture", lambda settings: pytest.fail("the camera was opened"))
    write_status(home / "run", a_status())
    checks = checks_of(home)
    assert checks["camera"].state == "not checked"
    assert checks["service"].state == "good"


def test_doctor_reports_what_the_service_says_of_its_camera(home):
    write_status(home / "run", a_status(camera_fault="the camera did not answer within 8 s"))
    camera = checks_of(home)["camera"]
    assert camera.state == "bad"
    assert "did not answer" in camera.found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pid_start_ticks": 1}, "ended without giving a reason"),
        ({"updated_boottime_s": 0.001}, "has not reported for"),
        ({"state": "degraded", "detail": "models can't be loaded"}, "models can't be loaded"),
        ({"pid_start_ticks": 1, "ended_by": "no camera"}, "ended, and systemd starts it again: no camera"),
        ({"storage_fault": "the database is read-only"}, "storage: the database is read-only"),
        ({"timetable_error": "line 3 is broken"}, "timetable: line 3 is broken"),
        ({"camera_fault": "no cable"}, "camera: no cable"),
    ],
)
def test_a_service_that_is_gone_stuck_or_degraded_is_bad(home, changes, words):
    if time.clock_gettime(time.CLOCK_BOOTTIME) < 200:
        pytest.skip("the computer has only just started")
    write_status(home / "run", a_status(**changes))
    service = checks_of(home)["service"]
    assert service.state == "bad"
    assert words in service.found


def test_a_camera_that_hangs_does_not_hold_up_the_rest(home, monkeypatch):
    monkeypatch.setattr(doctor, "_one_picture", lambda settings: time.sleep(60))
    checks = checks_of(home, limit_s=3.0)
    assert "no answer within 3 s" in checks["camera"].found
    assert checks["disk"].state == "good"


def test_looking_makes_nothing(tmp_path):
    run(tmp_path, "doctor")
    assert not list(tmp_path.iterdir())


def test_a_library_of_the_camera_that_raises_anything_is_a_finding(home, monkeypatch):
    monkeypatch.setattr(doctor, "camera_settings", lambda given: 1 / 0)
    assert checks_of(home)["camera"].found == "internal error, ZeroDivisionError"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has such a place")
def test_doctor_reports_an_installation_without_its_service(monkeypatch, tmp_path):
    monkeypatch.setattr(Home, "runtime_dir", tmp_path)
    place = Home(None)
    monkeypatch.setattr(place, "state_dir", tmp_path / "state")
    checks = {check.name: check for check in Doctor(place, tmp_path / "root").checks()}
    assert checks["service"].found == "does not run"
    assert checks["state folder"].state == "bad"
    assert checks["device key"].state == "bad"
    assert checks["gallery"].state == "warning"


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        (None, "warning", "none can be installed, because there is no"),
        ("a private joke", "bad", "is not a public key"),
        ("00" * 32, "good", "signed by the key in"),
    ],
)
def test_without_the_maintainers_key_the_report_says_that_the_device_takes_no_updates(tmp_path, text, state, words):
    key = tmp_path / "root/etc/edge-daemon/release.pub"
    if text is not None:
        key.parent.mkdir(parents=True)
        key.write_text(text)
    checks = {check.name: check for check in Doctor(Home(None), tmp_path / "root").checks()}
    assert (checks["updates"].state, words in checks["updates"].found) == (state, True), checks["updates"]


def test_a_mistake_in_the_words_of_mail_is_named_with_its_line(home):
    (home / "words").mkdir()
    (home / "words" / "week.txt").write_text("Subject: {period}\n\nDear {office}\n", encoding="utf-8")
    settings = '[mail]\nhost = "mail.invalid"\nfrom = "a@school.example"\ntemplates = "words"\n'
    with (home / "config.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    found = {check.name: check for check in Doctor(Home(home)).checks()}["mail texts"]
    assert found.state == "bad"
    assert "week.txt: line 3: {office} is not known here" in found.found
    (home / "words" / "week.txt").write_text("Subject: {period}\n\nDear office\n", encoding="utf-8")
    found = {check.name: check for check in Doctor(Home(home)).checks()}["mail texts"]
    assert (found.state, found.found) == ("good", "en, 1 of the school's own")


def test_a_service_that_is_starting_is_not_good_and_says_when_to_ask_again(home):
    write_status(
        home / "run", a_status(state="starting", detail="looking whether models and camera answer", lesson=None)
    )
    checks = checks_of(home)
    assert (checks["service"].state, checks["service"].advice) == ("warning", "ask again in a minute")
    assert (checks["camera"].state, checks["camera"].advice) == ("not checked", "ask again in a minute")


def test_a_service_that_starts_without_a_camera_is_a_bad_camera_and_the_last_line_names_it(home):
    write_status(home / "run", a_status(state="starting", camera_fault="/dev/video0: no such device", lesson=None))
    result = run(home, "doctor")
    assert result.exit_code == 1
    assert "bad          camera: the service says: /dev/video0: no such device" in result.stdout
    assert result.stdout.splitlines()[-1] == "TO DO        camera, service"


def test_files_that_the_service_can_not_write_are_a_bad_disk(home):
    write_status(home / "run", a_status(storage_fault="the database is read-only"))
    result = run(home, "doctor")
    assert result.exit_code == 1
    assert "bad          disk: " in result.stdout
    assert "the service says: the database is read-only" in result.stdout
    assert result.stdout.splitlines()[-1] == "TO DO        service, disk"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_takes_nothing_is_bad(small_disk):
    assert checks_of(small_disk)["disk"].state != "bad" or "MB free" in checks_of(small_disk)["disk"].found
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = run(small_disk, "doctor")
    assert result.exit_code == 1
    assert "is on a read-only disk" in result.stdout


def test_a_folder_that_refuses_files_is_a_bad_disk(home, monkeypatch):
    def refuses(path, flags, mode=0o777, **more):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(doctor_service.os, "open", refuses)
    check = doctor_service.disk_check(Home(home), read_host(home))
    assert (check.state, "can't be written: Read-only file system" in check.found) == ("bad", True)


@pytest.mark.parametrize(("url", "state"), [("", "warning"), ('url = "https://office.example"', "bad")])
def test_without_a_network_route_waiting_items_make_the_check_bad(home, tmp_path, url, state):
    (home / "config.toml").write_text(f"[upstream]\n{url}\n")
    root = tmp_path / "root"
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/dev").write_text("Inter-|\n face |\n    lo: 0\n  eth0: 0\n")
    check = network_check(Home(home), root)
    assert (check.state, check.found) == (state, "no default route (as seen from this process)")
