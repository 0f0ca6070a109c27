"""What each command of `attendance` may do: the service's sandbox, and what the command needs beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.wrapper import DAEMON, NOBODY, SCRIPT, Wrapper
from tests.systemd.units import FOLDER, run, settings, values

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root may be another")

COMMANDS = (
    *("enrol import /etc/hostname --photos /etc", "enrol list", "enrol remove s1", "enrol capture s1"),
    *("register list", "register correct", "ledger verify", "export --output /tmp/x.csv", "rehearse --frames /etc"),
    *("audit", "audit --frames /etc", "doctor", "status", "identity", "timetable show", "plan list", "outbox retry 1"),
    *("outbox copy /tmp", "maintain check", "maintain inbox", "maintain renew-keys", "mail preview x --output /tmp"),
    *("mail test --to a@b.example", "collect /etc --output /tmp/x.csv", "config show", "--help"),
    *("collect https://office.example --output /tmp/x.csv", "doctor --network"),
    *(
        "checkin enrol s1",
        "checkin run",
        "checkin from /etc s1",
        "checkin note /tmp/x.json",
        "checkin accept /etc/hostname",
    ),
    *("mask /etc --output /tmp/x", "mask --camera"),
)
NETWORK = {"mail test --to a@b.example", "collect https://office.example --output /tmp/x.csv", "doctor --network"}
WITH_CAMERA = {"enrol capture s1", "audit", "doctor", "checkin enrol s1", "checkin run", "mask --camera"}
EXPOSURE = 13
"""Tenths, systemd-analyze(1) security."""


@pytest.fixture(scope="module")
def wrapper() -> Iterator[Wrapper]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        wrapper = Wrapper(Path(name))
        wrapper.prepare()
        yield wrapper


def unit(folder: Path, properties: list[str]) -> Path:
    """Write what systemd-run was given as a unit file."""
    path = folder / "attendance-command.service"
    # A credential of a process that is gone is not what is judged.
    lines = [line for line in properties if not line.startswith(("LoadCredential=arguments", "LoadCredential=network"))]
    path.write_text("\n".join(["[Service]", "ExecStart=/bin/true", *lines, ""]))
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_exposed_no_more_than_delivery_is(wrapper, tmp_path, command):
    result = wrapper.call(*command.split())
    assert (result.returncode, result.stderr) == (0, "")
    lines = [wrapper.properties(), *([wrapper.properties("line-network")] if command == "doctor" else [])]
    for properties in lines:
        path = unit(tmp_path, properties)
        found = run(
            "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", f"./{path.name}", cwd=tmp_path
        )
        assert "Overall exposure level" in found.stdout, found.stderr
        assert found.returncode == 0, found.stdout
        understood = run("systemd-analyze", "verify", "--recursive-errors=no", f"./{path.name}", cwd=tmp_path)
        assert (understood.returncode, understood.stderr) == (0, "")


def test_every_command_has_what_the_service_has_for_a_sandbox(wrapper):
    service = [(key, value) for section, key, value in settings(FOLDER / "edge-daemon.service") if section == "Service"]
    sandbox = [f"{key}={value}" for key, value in service][[key for key, _ in service].index("LimitCORE") :]
    # The first three limit memory; the others are what a command has for itself.
    other = (
        "Memory",
        "TasksMax",
        "OOMPolicy",
        "PrivateNetwork",
        "IPAddress",
        "RestrictAddress",
        "DeviceAllow",
        "ProtectHome",
    )
    wanted = {line for line in sandbox if not line.startswith(other)}
    assert {"NoNewPrivileges=yes", "LimitCORE=0", "ProtectSystem=strict"} <= wanted
    for command in COMMANDS:
        wrapper.call(*command.split())
        assert wanted <= set(wrapper.properties()), command
        assert wrapper.values("MemorySwapMax") == ["0"]
        assert wrapper.values("ProtectHome") == ["tmpfs"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_with_a_key_have_no_network_and_those_with_it_run_as_another_user(wrapper, command):
    wrapper.call(*command.split())
    keys = {value.partition(":")[0] for value in wrapper.values("LoadCredential")} & {"device-key", "contact-key"}
    if command in NETWORK:
        assert keys == set()
        assert wrapper.values("PrivateNetwork") == []
        assert "/var/lib/edge-daemon/gallery" in " ".join(wrapper.values("InaccessiblePaths"))
        assert wrapper.values("StateDirectory") == []
        assert wrapper.values("User") == [str(DAEMON)]
    else:
        assert wrapper.values("User") == [str(NOBODY)]
        assert wrapper.values("PrivateNetwork") == ["yes"]
        assert not {"AF_INET", "AF_INET6"} & set(" ".join(wrapper.values("RestrictAddressFamilies")).split())


def test_the_users_of_the_two_kinds_are_those_of_the_two_units():
    (line,) = [line for line in SCRIPT.read_text().splitlines() if "FACES=" in line]
    users = [value for name in ("edge-daemon", "edge-daemon-sync") for value in values(f"{name}.service", "User")]
    assert line == "readonly FACES={} NETWORK={}".format(*users)


def test_a_camera_is_only_for_what_takes_pictures(wrapper):
    for command in COMMANDS:
        wrapper.call(*command.split())
        has_camera = bool(wrapper.values("DeviceAllow"))
        assert has_camera is (command in WITH_CAMERA), command
        assert (wrapper.values("PrivateDevices") == ["yes"]) is not has_camera


@pytest.mark.parametrize(
    "command", ["audit", "config show", "identity", "mail test --to a@b.example", "collect /etc --output /tmp/x.csv"]
)
def test_commands_that_open_no_database_may_write_none(wrapper, command):
    wrapper.call(*command.split())
    assert wrapper.values("StateDirectory") == []


def test_doctor_is_two_processes_and_the_one_with_the_network_has_no_key(wrapper):
    result = wrapper.call("doctor", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert wrapper.words() == ["doctor", "--json"]
    assert wrapper.values("PrivateNetwork", "line-network") == []
    given = [value.partition(":")[0] for value in wrapper.values("LoadCredential", "line-network")]
    assert given == ["arguments"]
    assert wrapper.values("PrivateNetwork") == ["yes"]
    assert wrapper.recorded("network-checks") == '[{"name": "mail"}]\n', "what the first found"


@pytest.mark.parametrize("words", [("--network", "--json"), ("--json", "--network")])
def test_the_checks_of_the_network_have_it_in_whatever_order_they_are_asked_for(wrapper, words):
    (wrapper.folder / "tools/line-network").unlink(missing_ok=True)
    assert wrapper.call("doctor", *words).returncode == 0
    assert wrapper.values("User") == [f"{DAEMON}"]
    assert wrapper.values("PrivateNetwork") == []
    assert not (wrapper.folder / "tools/line-network").exists(), "one process"


def test_on_a_jetson_the_camera_commands_have_what_the_service_has(wrapper):
    shutil.copy(FOLDER / "drop-ins/jetson.conf", wrapper.folder / "jetson.conf")
    try:
        wrapper.call("audit")
        assert "-/tmp/argus_socket" in wrapper.values("BindPaths")
        assert "char-nvhost* rw" in wrapper.values("DeviceAllow")
        assert not any(line.startswith(("Wants", "After", "PartOf")) for line in wrapper.properties())
        wrapper.call("enrol", "list")
        assert wrapper.values("DeviceAllow") == []
    finally:
        (wrapper.folder / "jetson.conf").unlink()


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("home", ("export", "--output", "link/x.csv")),
        ("home", ("enrol", "import", "link")),
        ("home/a\nUser=root\nb", ("export", "--output", "x.csv")),
        ("home/a\nUser=root\nb", ("enrol", "import", "list.csv")),
    ],
)
def test_no_name_of_a_folder_becomes_a_setting(folder, words):
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        wrapper = Wrapper(Path(name))
        wrapper.prepare()
        odd = wrapper.folder / "home/a\nUser=root\nb"
        odd.mkdir(parents=True)
        odd.chmod(0o777)
        (odd / "list.csv").touch()
        (wrapper.folder / "home/link").symlink_to(odd)
        result = wrapper.call(*words, folder=folder)
        assert (result.returncode, result.stderr) == (2, "attendance: the name of a file may have no line break\n")
        assert not (wrapper.folder / "tools/line").exists()


def test_the_value_of_an_option_is_no_file_even_if_a_file_has_that_name(wrapper):
    for name in ("de", "class", "none", "sunday"):
        (wrapper.folder / "home" / name).touch()
    options = ("--locale", "de", "--split", "class", "--weekend", "none", "--first-day", "sunday")
    assert wrapper.call("collect", "/etc", "--output", "/tmp/x.csv", *options).returncode == 0
    assert wrapper.words()[-8:] == list(options)
