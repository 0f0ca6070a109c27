"""The program on a card: enough to install it, and nothing else from the checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from edge_daemon import __version__ as VERSION  # noqa: N812 - a constant of these tests
from provisioning.software import PROGRAM, copy
from tests.install.test_device import Device
from tests.provisioning.lists import GOOD, ROOT, cards, make_cards, write_list, write_program

SECRET = b"s3cret-of-another-room"
SECRETS = (
    ".git/config",
    ".env",
    "CARDS/room-8/edge-daemon/upstream-token",
    "KEYS/release.key",
    "tokens/7a.txt",
    "ROOMS.csv",
    "TERM.xlsx",
    "docs/rooms.csv",
    "provisioning/rooms.csv",
    "provisioning/release.key",
    "provisioning/device/.rooms.csv.swp",
    "edge_daemon/__pycache__/x.pyc",
    "edge_daemon/.venv/x",
    "wheelhouse/pip.conf",
)


@pytest.fixture
def checkout(tmp_path):
    folder = write_program(tmp_path / "checkout")
    for name in SECRETS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(SECRET)
    (folder / "wheelhouse/numpy-2-py3-none-any.whl").write_bytes(b"PK")
    (folder / "systemd/linked").symlink_to(folder / "ROOMS.csv")
    return folder


def test_nothing_of_a_checkout_but_the_program_gets_onto_a_card(tmp_path, checkout):
    software = cards(tmp_path, GOOD, options=("--software", str(checkout))) / "room-7a/edge-daemon/software"
    files = [path for path in software.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET in path.read_bytes()] == []
    assert {str(path.relative_to(software)) for path in files} >= {"install.sh", "wheelhouse/numpy-2-py3-none-any.whl"}


def test_the_cards_may_be_made_in_the_checkout_itself(checkout):
    result = make_cards(write_list(checkout, GOOD), checkout / "MADE", "--software", str(checkout))
    assert (result.returncode, result.stderr) == (0, "")
    assert not list((checkout / "MADE/room-7a/edge-daemon/software").rglob("upstream-token"))


def test_the_cards_may_not_be_made_in_what_is_copied(tmp_path, checkout):
    result = make_cards(write_list(tmp_path, GOOD), checkout / "systemd/CARDS", "--software", str(checkout))
    assert (result.returncode, "lies in what is copied" in result.stderr) == (2, True)


def test_a_folder_that_lacks_a_part_of_the_program_is_refused(tmp_path, checkout):
    (checkout / "pyproject.toml").unlink()
    result = make_cards(write_list(tmp_path, GOOD), tmp_path / "cards", "--software", str(checkout))
    assert (result.returncode, result.stderr) == (
        2,
        f"{checkout}: is not a checkout of the program: it has no pyproject.toml\n",
    )


def test_the_installer_finds_everything_in_the_copy(tmp_path):
    device = Device(tmp_path)
    shutil.rmtree(device.checkout)
    copy(ROOT, device.checkout)
    assert device.install("--yes").returncode == 0
    assert device.releases() == [VERSION]


def test_the_installers_own_list_of_what_a_release_is_made_of_is_copied():
    made_of = re.search(r"find (.*) -type f", (ROOT / "provisioning/device/install.sh").read_text(encoding="utf-8"))
    assert made_of
    assert set(made_of[1].split()) <= set(PROGRAM)


def test_the_program_can_be_built_of_the_copy(tmp_path):
    pytest.importorskip("hatchling")
    copy(ROOT, tmp_path / "software")
    build = "from hatchling.build import build_wheel; print(build_wheel('..'))"
    completed = subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "software", capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    wheel = tmp_path / completed.stdout.split()[-1]
    assert wheel.stat().st_size > 9 * 2**20, "the networks are in it"
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not any("mobilefacenet_float32" in name or "models_tflite/build" in name for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "CARDS/room-7a/user-data",
        "KEYS/release.key",
        "tokens/7a.txt",
        "ROOMS.csv",
        "devices.csv",
        "TERM.xlsx",
        "pages.html",
    ],
)
def test_files_that_the_pages_make_in_a_checkout_are_never_committed(name):
    git = shutil.which("git") or pytest.skip("needs git")
    completed = subprocess.run([git, "check-ignore", "--quiet", "--no-index", name], cwd=ROOT, capture_output=True)
    if completed.returncode == 128:
        pytest.skip("is no checkout")
    assert completed.returncode == 0
