"""The laboratory is kept apart: it refuses installations, no lesson can import it, and no device gets its extra."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_daemon.errors import LabError
from edge_daemon.lab.installation_guard import refuse_installations
from tests.cli.running import run
from tests.test_architecture import modules, reached_by

ROOT = Path(__file__).parents[2]
EXTRA = re.compile(r"\[lab\]|\btensorflow\b|\bkeras\b|\btorch\b", re.IGNORECASE)


@pytest.mark.parametrize("command", ["run", "rehearse", "register", "export", "sync", "mail", "mask", "collect"])
def test_no_other_command_can_import_the_laboratory(command):
    reached = reached_by(f"edge_daemon.cli.{command}")
    assert len(reached) > 10
    assert {name for name in reached if name.startswith("edge_daemon.lab")} == set()


def test_one_module_alone_imports_the_laboratory():
    importers = {m for m in modules() if "edge_daemon.lab" in {".".join(n.split(".")[:2]) for n in direct(m)}}
    assert {m for m in importers if not m.startswith("edge_daemon.lab")} == {"edge_daemon.cli.lab"}


def direct(module: str) -> set[str]:
    return reached_by(module, depth=1) - {module}


def test_the_laboratory_reaches_no_gallery_no_register_and_no_key():
    reached = set().union(*(reached_by(m) for m in modules() if m.startswith("edge_daemon.lab")))
    kept_away = ("gallery", "store", "attendance", "app", "delivery", "lesson", "home", "device.secrets")
    assert {n for n in reached if n.startswith(tuple(f"edge_daemon.{part}" for part in kept_away))} == set()


@pytest.mark.parametrize("mark", ["gallery.sqlite", "register.sqlite", "device.key"])
def test_a_folder_of_an_installation_is_refused_and_everything_in_it(tmp_path, mark):
    state = tmp_path / "state"
    (state / "pictures" / "deep").mkdir(parents=True)
    (state / mark).touch()
    for path in (state, state / "new.tflite", state / "pictures" / "deep"):
        with pytest.raises(LabError, match="belongs to an installation"):
            refuse_installations([tmp_path / "other", path])
    refuse_installations([tmp_path / "other"])


def test_a_link_into_an_installation_is_refused(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "gallery.sqlite").touch()
    (tmp_path / "link").symlink_to(tmp_path / "state")
    with pytest.raises(LabError, match="belongs to an installation"):
        refuse_installations([tmp_path / "link" / "x"])


@pytest.mark.parametrize(
    "path", ["/etc/edge-daemon/config.toml", "/var/lib/edge-daemon", "/var/lib/edge-daemon-sync/x"]
)
def test_the_systems_own_folders_are_refused(path):
    with pytest.raises(LabError, match="belongs to an installation"):
        refuse_installations([Path(path)])


@pytest.mark.parametrize("arguments", [["expression", "x"], ["train", "expression", "--data", "x"]])
def test_the_command_takes_no_home(tmp_path, arguments):
    result = run(tmp_path, "lab", *arguments, "--model", "m")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("edge-daemon: --home: the laboratory does not work with an installation")
    assert result.stderr.count("\n") == 1


def test_no_device_gets_the_extra():
    files = [ROOT / "install.sh", *ROOT.glob("requirements*"), *(ROOT / "provisioning").rglob("*")]
    texts = {path.name: path.read_text("utf-8", "replace") for path in files if path.is_file()}
    assert "requirements-arm.txt" in texts
    assert {name for name, text in texts.items() if EXTRA.search(text)} == set()


def test_no_weights_of_the_laboratory_are_shipped():
    manifest = (ROOT / "models_tflite" / "manifest.toml").read_text("utf-8").lower()
    assert "fer2013" not in manifest
    assert "expression" not in manifest
