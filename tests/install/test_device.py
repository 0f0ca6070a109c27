"""install.sh on a device: into a folder instead of /, with tools of the system that only write down their orders."""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import zipfile
from copy import copy
from pathlib import Path

import pytest

from edge_daemon import __version__ as VERSION  # noqa: N812 - a constant of these tests

ROOT = Path(__file__).parents[2]
BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
JAMMY = 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nID=ubuntu\nVERSION_ID="22.04"\n'

PYTHON = """#!/bin/sh
# Stands in for Python; what it lacks is in a folder, as files.
[ "$1" != -I ] || { isolated=-I; shift; }
case "$*" in
    *"(3, 10)"*) [ ! -e "$STUBS/too-old" ] ;;
    *"import ensurepip"*) [ ! -e "$STUBS/no-venv" ] ;;
    "-c import cv2") [ ! -e "$STUBS/no-cv2" ] ;;
    "-c import sys; print"*) echo "3.11 stub" ;;
    -V) echo "Python 3.11.2" ;;
    "-m venv --system-site-packages "*)
        mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && echo "venv $isolated" >>"$STUBS/log"
        printf '#!/bin/sh\\necho edge-daemon\\n' >"$4/bin/edge-daemon" && chmod +x "$4/bin/edge-daemon" ;;
    "-m edge_daemon --version") [ -n "$isolated" ] && echo "edge-daemon 0" ;;
    "-m edge_daemon manual "*)
        for name in man/man1/edge-daemon.1 bash-completion/completions/attendance; do
            mkdir -p "$(dirname "$4/$name")" && touch "$4/$name"
        done ;;
    "-m pip install"*) echo "pip $isolated $*" >>"$STUBS/log"; [ ! -e "$STUBS/no-network" ] ;;
    *) echo "what is $*?" >>"$STUBS/log"; exit 9 ;;
esac
"""
REAL_PYTHON = """#!/bin/sh
# This interpreter. Its environments see its own pip, if it has one: an own pip of theirs takes seconds.
if [ "$1 $2 $3" = "-I -m venv" ] && {0} -I -c "import pip" 2>/dev/null; then exec {0} "$@" --without-pip; fi
exec {0} "$@"
"""
SYSUSERS = """#!/bin/sh
# As the real one: users that are there stay.
cd "$EDGE_DAEMON_ROOT/etc" || exit 1
grep -q ^edge-daemon: passwd || echo "edge-daemon:x:997:997::/:/no" >>passwd
grep -q ^edge-daemon-sync: passwd || echo "edge-daemon-sync:x:996:996::/:/no" >>passwd
"""
STUBS = {
    "python": PYTHON,
    "apt-get": '#!/bin/sh\necho "apt-get $*" >>"$STUBS/log"\n[ ! -e "$STUBS/no-network" ]\n',
    "dpkg": '#!/bin/sh\ncat "$STUBS/architecture"\n',
    "dpkg-query": '#!/bin/sh\n[ -e "$STUBS/no-packages" ] || echo "install ok installed"\n',
    "id": '#!/bin/sh\ncat "$STUBS/user"\n',
    "df": '#!/bin/sh\necho Filesystem; echo "disk 1 1 $(cat "$STUBS/free_kib") 1% /"\n',
    "chown": '#!/bin/sh\necho "chown $*" >>"$STUBS/log"\n',
    "systemctl": '#!/bin/sh\necho "systemctl $*" >>"$STUBS/log"\n[ "$1" != restart ] || [ ! -e "$STUBS/no-start" ]\n',
    "systemd-sysusers": SYSUSERS,
    "userdel": '#!/bin/sh\necho "userdel $*" >>"$STUBS/log"\n',
    "sync": "#!/bin/sh\n",
}  # fmt: skip
PROGRAM = (
    "install.sh",
    "pyproject.toml",
    "requirements-arm.txt",
    "docs/config.example.toml",
    "edge_daemon/__init__.py",
)


class Device:
    """A card with a system, and a checkout in a folder with a space in its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout, self.card, self.stubs = folder / "a checkout", folder / "card", folder / "stubs"
        for path in PROGRAM:
            (self.checkout / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.checkout / path)
        for path in ("systemd", "provisioning/device"):
            shutil.copytree(ROOT / path, self.checkout / path)
        (self.checkout / "models_tflite").mkdir()
        (self.card / "etc").mkdir(parents=True)
        self.write("etc/os-release", BOOKWORM)
        self.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self.stubs.mkdir()
        for name, text in STUBS.items():
            (self.stubs / name).write_text(text)
            (self.stubs / name).chmod(0o755)
        self.has(architecture="arm64", user="0", free_kib="9000000")

    def copied(self, folder: Path) -> Device:
        """Return a copy of this device in another folder."""
        other = copy(self)
        shutil.copytree(self.folder, folder, symlinks=True)
        other.folder, other.checkout, other.card, other.stubs = (
            folder / path.relative_to(self.folder) for path in (self.folder, self.checkout, self.card, self.stubs)
        )
        return other

    def has(self, **what: str) -> None:
        for name, text in what.items():
            (self.stubs / name).write_text(text)

    def lacks(self, what: str) -> None:
        (self.stubs / what).touch()

    def write(self, path: str, text: str) -> Path:
        (self.card / path).parent.mkdir(parents=True, exist_ok=True)
        (self.card / path).write_text(text)
        return self.card / path

    def environment(self) -> dict[str, str]:
        paths = {"PATH": f"{self.stubs}:/usr/sbin:/usr/bin:/sbin:/bin", "STUBS": str(self.stubs)}
        return {**paths, "EDGE_DAEMON_ROOT": str(self.card), "PYTHON": str(self.stubs / "python")}

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(self.checkout / "install.sh"), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment(), timeout=60,
        )  # fmt: skip

    def log(self) -> list[str]:
        """Return what was asked for since the last call."""
        path = self.stubs / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def files(self) -> dict[str, str]:
        """Return everything on the card: path to content or target."""
        found = {}
        for path in sorted(self.card.rglob("*")):
            name = str(path.relative_to(self.card))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file():
                found[name] = path.read_bytes().decode("latin-1")
        return found

    @property
    def program(self) -> Path:
        return self.card / "opt/edge-daemon"

    def in_effect(self) -> str:
        return (self.program / "current").readlink().name

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.program / "releases").iterdir())


@pytest.fixture
def device(tmp_path) -> Device:
    return Device(tmp_path)


@pytest.fixture(scope="module")
def first_installation(tmp_path_factory) -> tuple[Device, subprocess.CompletedProcess[str], list[str]]:
    """A device after its first installation, the result of the installation, and what it asked for."""
    device = Device(tmp_path_factory.mktemp("first"))
    result = device.install()
    return device, result, device.log()


@pytest.fixture
def installed(first_installation, tmp_path) -> Device:
    """A copy of a device after its first installation."""
    return first_installation[0].copied(tmp_path / "installed")


def test_a_device_has_everything_after_one_command(first_installation):
    device, result, _ = first_installation
    assert result.returncode == 0, result.stderr
    assert device.in_effect() == VERSION
    assert (device.program / "venv/bin/edge-daemon").exists(), "the path that the units start"
    settings = (device.card / "etc/edge-daemon/config.toml").read_text()
    assert '\nkind = "v4l2"' in settings
    for name in ("device-key", "contact-key"):
        key = device.card / f"etc/credstore/edge-daemon.{name}"
        assert (key.stat().st_size, key.stat().st_mode & 0o777) == (32, 0o600)
    wanted = device.card / "etc/systemd/system/multi-user.target.wants/edge-daemon.service"
    assert str(wanted.readlink()) == "/usr/local/lib/systemd/system/edge-daemon.service"
    unit = device.card / "usr/local/lib/systemd/system/edge-daemon.service"
    assert str(unit.readlink()) == "/opt/edge-daemon/current/systemd/edge-daemon.service"


def test_man_and_the_shells_find_the_pages_of_the_release_in_effect(device):
    own = device.write("usr/local/share/man/man1/own.1", "a page of somebody else")
    device.install()
    page = device.card / "usr/local/share/man/man1/edge-daemon.1"
    assert str(page.readlink()) == "/opt/edge-daemon/current/share/man/man1/edge-daemon.1"
    script = device.card / "usr/local/share/bash-completion/completions/attendance"
    assert str(script.readlink()) == "/opt/edge-daemon/current/share/bash-completion/completions/attendance"
    (device.program / "current/share/man/man1/edge-daemon.1").unlink()
    subprocess.run([device.program / "bin/edge-daemon-release", "link"], env=device.environment(), check=True)
    assert not page.is_symlink(), "a page that the release does not have leaves no link"
    device.install("--uninstall")
    assert not script.is_symlink()
    assert not (device.card / "usr/local/share/bash-completion").exists()
    assert own.read_text() == "a page of somebody else"


def test_the_output_ends_with_what_was_done_and_three_next_commands(first_installation):
    summary, _, after = first_installation[1].stdout.partition("\nNext:\n")
    assert f"What was done:\n    release {VERSION}" in summary
    assert [line.split()[0] for line in after.strip().splitlines()] == ["sudoedit", "attendance", "attendance"]


def test_packages_are_asked_for_with_hashes_and_as_wheels_only(first_installation):
    packages, program = (line for line in first_installation[2] if line.startswith("pip"))
    assert "--require-hashes --only-binary :all: --requirement requirements-arm.txt" in packages
    assert "--no-index --no-deps" in program, "the program itself asks the index for nothing"


def test_the_second_time_nothing_changes(installed):
    before = installed.files()
    installed.log()
    assert installed.install().returncode == 0
    assert installed.files() == before
    assert not any(line.startswith(("pip", "venv", "apt-get")) for line in installed.log())


def test_a_changed_checkout_becomes_another_release_and_the_one_before_stays(installed):
    with (installed.checkout / "edge_daemon/__init__.py").open("a") as file:
        file.write("# changed\n")
    installed.install()
    assert installed.in_effect() == f"{VERSION}.2"
    assert installed.releases() == [VERSION, f"{VERSION}.2"]
    with (installed.checkout / "edge_daemon/__init__.py").open("a") as file:
        file.write("# again\n")
    installed.install()
    assert installed.releases() == [f"{VERSION}.2", f"{VERSION}.3"]


def test_settings_and_keys_are_never_overwritten(device):
    settings = device.write("etc/edge-daemon/config.toml", "# mine\n")
    key = device.write("etc/credstore/edge-daemon.device-key", "k" * 32)
    device.install()
    assert settings.read_text() == "# mine\n"
    assert key.read_text() == "k" * 32


def test_a_dry_run_says_what_and_changes_nothing_also_without_root(device):
    device.has(user="1000")
    before = device.files()
    result = device.install("--dry-run")
    assert result.returncode == 0, result.stderr
    assert "found Debian GNU/Linux 12 (bookworm), arm64" in result.stdout
    assert "edge-daemon.service" in result.stdout
    assert (device.files(), device.log()) == (before, [])


def test_a_dry_run_names_the_missing_key_of_updates(device):
    """docs/INSTALL.md: a master card without it gives devices that take no update."""
    assert "NO UPDATES YET: this device takes none until" in device.install("--dry-run").stdout
    (device.checkout / "provisioning/release.pub").write_text("key")
    assert "NO UPDATES YET" not in device.install("--dry-run").stdout


@pytest.mark.parametrize(
    ("files", "kind", "package"),
    [
        ({"etc/rpi-issue": "Raspberry Pi reference 2025-05-13\n"}, "picamera2", "python3-picamera2"),
        ({"proc/device-tree/model": "Raspberry Pi 5\0", "etc/os-release": TRIXIE}, "picamera2", "python3-picamera2"),
        ({"etc/os-release": TRIXIE}, "v4l2", ""),
        ({"etc/os-release": JAMMY, "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3\n"}, "gstreamer", ""),
    ],
)  # fmt: skip
def test_a_board_gets_its_camera(device, files, kind, package):
    for path, text in files.items():
        device.write(path, text)
    device.lacks("no-packages")
    result = device.install()
    assert result.returncode == 0, result.stderr
    assert f'\nkind = "{kind}"' in (device.card / "etc/edge-daemon/config.toml").read_text()
    (line,) = (line for line in device.log() if line.startswith("apt-get install"))
    assert ("python3-picamera2" in line) == bool(package)
    assert (device.card / "etc/systemd/system/edge-daemon.service.d/jetson.conf").is_symlink() == (kind == "gstreamer")


def test_a_jetson_without_jetpacks_opencv_is_reported(device):
    device.write("etc/os-release", JAMMY)
    device.write("etc/nv_tegra_release", "# R36 (release), REVISION: 4.3\n")
    device.lacks("no-cv2")
    assert "JetPack's OpenCV is missing" in device.install().stderr


@pytest.mark.parametrize(
    ("system", "architecture", "expected_message"),
    [
        (BOOKWORM, "armhf", "this system is 32-bit (armhf)"),
        (BOOKWORM, "riscv64", "neither arm64 nor amd64"),
        (BOOKWORM.replace("12", "11"), "arm64", "neither Debian 12 or 13"),
        (JAMMY, "amd64", "Ubuntu is supported as JetPack 6 only"),
        ("", "arm64", "a system without /etc/os-release"),
    ],
)
def test_an_unsupported_system_is_named_and_left_as_it_is(device, system, architecture, expected_message):
    device.has(architecture=architecture)
    path = device.write("etc/os-release", system)
    if not system:
        path.unlink()
    before = device.files()
    result = device.install()
    assert result.returncode == 1
    assert expected_message in result.stderr
    assert "Nothing was changed" in result.stderr
    assert (device.files(), device.log()) == (before, [])


def test_jetpack_5_is_refused(device):
    device.write("etc/os-release", JAMMY)
    device.write("etc/nv_tegra_release", "# R35 (release), REVISION: 5.0\n")
    assert "of JetPack, 6 (L4T 36) is supported" in device.install().stderr


@pytest.mark.parametrize(
    ("wrong", "expected_message"),
    [
        ({"user": "1000"}, "must be run as root: sudo ./install.sh"),
        ({"free_kib": "1000000"}, "976 MiB are free"),
    ],
)
def test_a_problem_is_reported_before_anything_is_changed(device, wrong, expected_message):
    device.has(**wrong)
    before = device.files()
    result = device.install()
    assert (result.returncode, expected_message in result.stderr) == (1, True), result.stderr
    assert (device.files(), device.log()) == (before, [])


def test_an_old_python_of_the_system_is_refused_with_its_version(device):
    device.lacks("too-old")
    (device.card / "usr/bin").mkdir(parents=True)
    shutil.copy(device.stubs / "python", device.card / "usr/bin/python3")
    before = device.files()
    result = device.install()
    assert "Python 3.10 or newer is needed" in result.stderr
    assert "is 3.11.2. Nothing was changed" in result.stderr
    assert device.files() == before


def test_a_disk_that_is_read_only_is_noticed_first(device, tmp_path):
    device.program.parent.mkdir()
    mounts = f"mount -t tmpfs -o ro tmpfs '{device.card}/opt' && exec sh '{device.checkout}/install.sh'"
    line = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounts]
    probe = subprocess.run([*line[:4], "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine lets nobody mount in a namespace")
    result = subprocess.run(line, capture_output=True, text=True, env=device.environment(), check=False)
    assert result.returncode == 1
    assert "can't be written; is the disk read-only" in result.stderr
    assert device.log() == []


def test_a_person_who_is_called_like_the_daemon_keeps_the_account(device):
    device.write("etc/passwd", "edge-daemon:x:1001:1001:Edge Daemon:/home/edge-daemon:/bin/bash\n")
    before = device.files()
    result = device.install()
    assert "uid 1001, which is a person's account" in result.stderr
    assert device.files() == before


def test_data_that_was_kept_gets_the_number_that_the_user_has_now(device):
    device.write("etc/passwd", "edge-daemon:x:901:901:Attendance:/var/lib/edge-daemon:/usr/sbin/nologin\n")
    device.write("var/lib/edge-daemon/register.sqlite", "")
    assert device.install().returncode == 0
    assert f"chown -R 901:901 {device.card}/var/lib/edge-daemon" in device.log()


def test_a_device_with_one_user_gets_the_second_one_and_its_folder(device):
    device.write("etc/passwd", "edge-daemon:x:901:901:Attendance:/var/lib/edge-daemon:/usr/sbin/nologin\n")
    device.write("var/lib/edge-daemon/register.sqlite", "")
    assert device.install().returncode == 0
    passwd = (device.card / "etc/passwd").read_text()
    assert "edge-daemon:x:901:" in passwd
    assert "edge-daemon-sync:x:996:" in passwd
    assert f"chown -R 996:901 {device.card}/var/lib/edge-daemon-sync" in device.log()
    modes = {
        name: (device.card / "var/lib" / name).stat().st_mode & 0o777 for name in ("edge-daemon", "edge-daemon-sync")
    }
    assert modes == {"edge-daemon": 0o710, "edge-daemon-sync": 0o750}


@pytest.mark.parametrize("place", ["boot/firmware/cmdline.txt", "boot/cmdline.txt"])
def test_on_a_raspberry_the_kernel_is_asked_for_its_memory_controller_once(device, place):
    device.write("etc/rpi-issue", "Raspberry Pi reference 2025-05-13\n")
    line = device.write(place, "console=tty1 root=PARTUUID=1-02 cgroup_enable=cpuset rootwait\n")
    assert f"cgroup_enable=memory in /{place}" in device.install().stdout
    wanted = "console=tty1 root=PARTUUID=1-02 cgroup_enable=cpuset rootwait cgroup_enable=memory\n"
    assert line.read_text() == wanted
    assert "cgroup_enable" not in device.install().stdout
    assert line.read_text() == wanted
    assert [path.name for path in line.parent.iterdir()] == ["cmdline.txt"]


def test_a_line_of_the_kernel_that_is_none_is_left_alone(device):
    device.write("etc/rpi-issue", "Raspberry Pi reference 2025-05-13\n")
    line = device.write("boot/cmdline.txt", "DO NOT EDIT THIS FILE\n")
    device.install()
    assert line.read_text() == "DO NOT EDIT THIS FILE\n"


def test_a_drop_in_that_sealed_nothing_is_taken_away_and_the_key_stays(device):
    drop_in = device.write("etc/systemd/system/edge-daemon.service.d/sealed-key.conf", "[Service]\n")
    key = device.write("etc/credstore/edge-daemon.device-key", "k" * 32)
    device.install()
    assert not drop_in.exists()
    assert key.read_text() == "k" * 32


def test_a_device_whose_only_key_is_sealed_elsewhere_gets_no_new_one(device):
    """A new key would open nothing of the gallery."""
    drop_in = device.write("etc/systemd/system/edge-daemon.service.d/sealed-key.conf", "[Service]\n")
    device.write("etc/credstore.encrypted/edge-daemon.device-key", "sealed by another computer")
    done = device.install()
    assert done.returncode == 0
    assert "can't be unsealed here" in done.stderr
    assert drop_in.exists()
    assert not (device.card / "etc/credstore/edge-daemon.device-key").exists()


def test_without_a_network_the_installer_says_so_and_the_installation_stays(installed):
    installed.lacks("no-network")
    with (installed.checkout / "edge_daemon/__init__.py").open("a") as file:
        file.write("# changed\n")
    result = installed.install()
    assert result.returncode == 1
    assert "is there a network? What was there before stays in effect" in result.stderr
    assert installed.in_effect() == VERSION
    (installed.stubs / "no-network").unlink()
    assert installed.install().returncode == 0
    assert installed.in_effect() == f"{VERSION}.2"


def test_without_a_network_missing_packages_of_the_system_are_named(device):
    device.lacks("no-network")
    device.lacks("no-packages")
    assert "is there a network?" in device.install().stderr


def test_offline_takes_everything_from_the_folder(device, tmp_path):
    (tmp_path / "wheels").mkdir()
    assert device.install("--offline", str(tmp_path / "wheels")).returncode == 0
    first = next(line for line in device.log() if line.startswith("pip"))
    assert f"--no-index --find-links={tmp_path}/wheels --require-hashes" in first


def test_offline_with_packages_missing_names_them(device, tmp_path):
    device.lacks("no-packages")
    result = device.install("--offline", str(tmp_path))
    assert "these packages of the system are missing: python3 python3-venv" in result.stderr
    assert not any(line.startswith("apt-get") for line in device.log())


@pytest.fixture
def wheelhouse(device, tmp_path):
    """A folder with all wheels for this computer, and some for others; install.sh has a real Python to look at it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    ours, text = f"cp{sys.version_info.major}{sys.version_info.minor}", ""
    names = ("pure-1.0-py3-none-any.whl", f"bound-1.0-{ours}-{ours}-manylinux_2_17_{platform.machine()}.whl")
    for name in (*names, f"stable-1.0-cp38-abi3-manylinux_2_17_{platform.machine()}.whl"):
        (folder / name).write_text(name)
        text += f"{name.split('-')[0]}==1.0 \\\n    --hash=sha256:{hashlib.sha256(name.encode()).hexdigest()}\n\n"
    text += f'other==1.0 ; python_version == "3.9" \\\n    --hash=sha256:{"0" * 64}\n'
    (device.checkout / "requirements-arm.txt").write_text(text)
    (device.stubs / "python").unlink()
    (device.stubs / "python").symlink_to(Path(sys.executable).resolve())
    return folder


def test_offline_a_dry_run_is_content_with_a_whole_wheelhouse(device, wheelhouse):
    result = device.install("--offline", str(wheelhouse), "--dry-run")
    assert result.returncode == 0, result.stderr
    assert f"Python packages from {wheelhouse}" in result.stdout
    assert "from apt" not in result.stdout


def test_offline_a_dry_run_names_all_that_is_missing(device, wheelhouse):
    before = device.files()
    device.lacks("no-packages")
    (wheelhouse / "pure-1.0-py3-none-any.whl").write_text("cut off")
    bound = next(wheelhouse.glob("bound*"))
    bound.rename(bound.with_name("bound-1.0-cp39-cp39-manylinux_2_17_riscv64.whl"))
    result = device.install("--offline", str(wheelhouse), "--dry-run")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "these packages of the system: python3 python3-venv python3-systemd ca-certificates and 2 wheels" in line
    assert line.endswith(": pure==1.0 bound==1.0. Nothing was changed")
    assert (device.files(), device.log()) == (before, [])


def test_offline_a_wheelhouse_with_nothing_in_it_lacks_every_pin_of_this_python(device, tmp_path):
    (device.stubs / "python").unlink()
    (device.stubs / "python").symlink_to(Path(sys.executable).resolve())
    (tmp_path / "empty").mkdir()
    stderr = device.install("--offline", str(tmp_path / "empty"), "--dry-run").stderr
    assert all(name in stderr for name in ("ai-edge-litert==", "numpy==", "click=="))


def test_without_the_maintainers_key_the_report_says_that_the_device_takes_no_updates(first_installation):
    assert "NO UPDATES YET: this device takes none until" in first_installation[1].stdout


def test_the_maintainers_key_of_the_checkout_comes_also_to_a_device_that_was_installed_without(installed):
    for key in ("first", "second"):
        (installed.checkout / "provisioning/release.pub").write_text(key)
        assert "NO UPDATES YET" not in installed.install().stdout
    assert (installed.card / "etc/edge-daemon/release.pub").read_text() == "first", "one that is there stays"


def test_offline_without_the_folder_is_refused(device):
    assert "there is no folder /no/such" in device.install("--offline", "/no/such").stderr


def test_two_at_once_are_one_and_a_refusal(device):
    lock = device.write("run/edge-daemon-install.lock", "")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = device.install()
    assert (result.returncode, "another installation or update is running" in result.stderr) == (1, True)
    assert device.log() == []


def test_without_systemd_the_installer_installs_and_starts_nothing(device):
    assert "not started: systemd does not run here" in device.install().stdout
    assert not any(line.startswith("systemctl") for line in device.log())


def test_with_systemd_the_units_are_started(device):
    (device.card / "run/systemd/system").mkdir(parents=True)
    assert "enabled and started: " in device.install().stdout
    reload, restart = (line for line in device.log() if line.startswith("systemctl"))
    assert reload == "systemctl daemon-reload"
    assert "edge-daemon.service" in restart


def test_a_service_that_does_not_start_is_reported(device):
    (device.card / "run/systemd/system").mkdir(parents=True)
    device.lacks("no-start")
    result = device.install()
    assert "NOT RUNNING YET: journalctl -u edge-daemon says why" in result.stdout


def test_a_service_that_does_not_start_says_its_own_reason(device):
    (device.card / "run/systemd/system").mkdir(parents=True)
    device.lacks("no-start")
    line = "edge-daemon: /dev/video0: no such device; seat the cable at both ends"
    (device.stubs / "journalctl").write_text(f'#!/bin/sh\nprintf "%s\\n" "Started." "{line}" "Main process exited"\n')
    (device.stubs / "journalctl").chmod(0o755)
    assert f"NOT RUNNING YET: {line}" in device.install().stdout


@pytest.mark.parametrize(
    "wrong",
    [
        ["--ofline"],
        ["--offline"],
        ["--purge"],
        ["demo", "test"],
        ["--uninstall", "install"],
        ["demo", "--dry-run"],
        ["--dry-run", "test"],
        ["demo", "--offline", "/tmp"],
        ["--uninstall", "--offline", "/tmp"],
    ],
)
def test_a_wrong_option_is_refused_before_anything_happens(device, wrong):
    before = device.files()
    assert device.install(*wrong).returncode == 2
    assert (device.files(), device.log()) == (before, [])


def test_uninstalling_leaves_data_keys_and_settings_alone(installed):
    installed.write("var/lib/edge-daemon/register.sqlite", "registers")
    before = {
        path: text for path, text in installed.files().items() if path.startswith(("var/", "etc/edge", "etc/cred"))
    }
    assert installed.install("--uninstall").returncode == 0
    left = {"etc/os-release", "etc/passwd", "run/edge-daemon-install.lock"}
    assert {path: text for path, text in installed.files().items() if path not in left} == before


def test_purging_leaves_nothing(installed):
    installed.write("var/lib/edge-daemon/register.sqlite", "registers")
    assert installed.install("--uninstall", "--purge").returncode == 0
    assert set(installed.files()) == {"etc/os-release", "etc/passwd", "run/edge-daemon-install.lock"}
    removed = [line.split()[-1] for line in installed.log() if line.startswith("userdel")]
    assert removed == ["edge-daemon-sync", "edge-daemon"]


def test_installing_after_uninstalling_goes_on_with_the_same_key(installed):
    key = (installed.card / "etc/credstore/edge-daemon.device-key").read_bytes()
    installed.install("--uninstall")
    installed.install()
    assert (installed.card / "etc/credstore/edge-daemon.device-key").read_bytes() == key


def test_the_script_can_be_sourced_without_doing_anything(device):
    line = f". '{device.checkout}/install.sh'; read_options --dry-run; echo $command $dry_run"
    environment = {**device.environment(), "EDGE_DAEMON_INSTALL_SOURCED": "1"}
    output = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True).stdout
    assert output == "install 1\n"
    assert device.log() == []


def test_a_half_downloaded_wheel_is_refused_by_its_hash_and_what_was_there_stays(installed, tmp_path):
    wheel = tmp_path / "wheels/thing-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("thing.py", "")
        file.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        file.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("thing-1.0.dist-info/RECORD", "")
    whole = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wheel.write_bytes(wheel.read_bytes()[:200])
    (installed.checkout / "requirements-arm.txt").write_text(f"thing==1.0 --hash=sha256:{whole}\n")
    installed.has(python=REAL_PYTHON.format(Path(sys.executable).resolve()))
    result = installed.install("--offline", str(wheel.parent))
    assert result.returncode == 1
    assert "DO NOT MATCH THE HASHES" in result.stderr
    assert "What was there before stays in effect" in result.stderr
    assert installed.in_effect() == VERSION
