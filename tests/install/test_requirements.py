"""requirements-arm.txt: every pin with hash and reason, for every Python of a device, and the known traps."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.slow import package_sets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.10", "3.11", "3.13")
PIN = re.compile(
    r"^(?P<pin>[^#\s][^\\]*?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.MULTILINE
)
TEXT = (ROOT / "requirements-arm.txt").read_text(encoding="utf-8")


def pins(python: str) -> dict[str, Requirement]:
    """Return name to pin, as pip on a device with this Python reads the list."""
    there = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": "aarch64"}
    found = [Requirement(match["pin"]) for match in PIN.finditer(TEXT)]
    return {canonicalize_name(r.name): r for r in found if r.marker is None or r.marker.evaluate(there)}


def version(python: str, name: str) -> str:
    (specifier,) = pins(python)[name].specifier
    assert specifier.operator == "=="
    return specifier.version


def lowest(requirement: Requirement) -> Version:
    return Version(next(one.version for one in requirement.specifier if one.operator == ">="))


def test_the_list_has_only_pins_with_hashes_and_the_reason_above_each():
    first, *blocks = TEXT.strip().split("\n\n")
    assert "provisioning/lock.py" in first
    for block in blocks:
        assert block.startswith("# "), block
        assert len(PIN.findall(block + "\n")) == 1, block


@pytest.mark.parametrize("python", PYTHONS)
def test_all_that_the_program_asks_for_is_pinned_within_what_it_asks_for(python):
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    there = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": "aarch64"}
    for requirement in map(Requirement, asked):
        if requirement.marker is not None and not requirement.marker.evaluate(there):
            continue
        if python == "3.10" and requirement.name == "opencv-python-headless":
            continue  # JetPack's own
        assert requirement.specifier.contains(version(python, canonicalize_name(requirement.name))), requirement.name


def test_the_list_asks_for_no_less_than_the_program():
    lines = (ROOT / "requirements-arm.in").read_text(encoding="utf-8").splitlines()
    listed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    compared = [
        (lowest(one), lowest(other), one.name)
        for one in listed
        for other in map(Requirement, asked)
        if canonicalize_name(one.name) == canonicalize_name(other.name)
    ]
    assert len(compared) >= 14
    assert [name for here, there, name in compared if here < there] == []


@pytest.mark.parametrize("name", ["bookworm", "trixie", "jetpack"])
def test_a_set_of_packages_for_the_tests_has_the_versions_of_the_list(name):
    python = package_sets.SETS[name].python
    assert sorted(package_sets.pins(python)) == sorted(f"{n}=={version(python, n)}" for n in pins(python))


@pytest.mark.parametrize(
    "name", ["picamera2", "opencv", "tflite-runtime", "numpy", "sqlite-utils", "systemd-python", "requests"]
)
def test_each_of_the_seven_packages_that_were_asked_for_is_named(name):
    assert name in TEXT


@pytest.mark.parametrize(("python", "major"), [("3.10", "1"), ("3.11", "1"), ("3.13", "2")])
def test_numpy_is_of_the_major_version_that_the_systems_camera_library_was_built_with(python, major):
    assert version(python, "numpy").split(".")[0] == major


def test_a_jetson_gets_no_opencv_from_the_index_because_only_its_own_has_gstreamer():
    assert "opencv-python-headless" not in pins("3.10")
    assert "opencv-python-headless" in pins("3.11")


def test_opencv_on_bookworm_is_of_the_last_line_that_goes_with_numpy_1():
    assert version("3.11", "opencv-python-headless").startswith("4.11.")


@pytest.mark.parametrize("python", PYTHONS)
def test_the_interpreter_is_the_one_that_has_wheels_for_every_python(python):
    assert "tflite-runtime" not in pins(python)
    assert "ai-edge-litert" in pins(python)


def test_the_maker_of_the_list_refuses_an_unknown_option():
    result = subprocess.run(
        [sys.executable, ROOT / "provisioning/lock.py", "--chekc"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, "--check" in result.stderr) == (2, True)
