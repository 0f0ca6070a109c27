"""The folders of releases and their tool: the message if one is missing, and the tools that an update renews."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_daemon.app.update.releases import Releases
from edge_daemon.app.update.updater import _called
from edge_daemon.errors import UpdateError, UpdateFailedError


@pytest.fixture
def releases(tmp_path) -> Releases:
    """A device with the release 1.0 in effect. Its tool prints its arguments and fails."""
    found = Releases(tmp_path)
    for folder in (found.folder("1.0") / "device", found.base / "bin", tmp_path / "usr/local/sbin"):
        folder.mkdir(parents=True)
    (found.base / "current").symlink_to(found.folder("1.0"))
    script(found.base / "bin/edge-daemon-release", 'echo "no room for $1" >&2; exit 3')
    return found


def script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def test_where_nothing_is_installed_one_line_says_how(tmp_path):
    for ask in (Releases(tmp_path).in_effect, lambda: Releases(tmp_path).tool("link")):
        with pytest.raises(UpdateError, match="no release is installed here") as caught:
            ask()
        assert "sudo ./install.sh" in caught.value.hint


def test_the_output_of_the_release_tool_is_the_error(releases):
    with pytest.raises(UpdateFailedError) as caught:
        releases.tool("link", "1.0")
    assert caught.value.line() == "edge-daemon-release link: no room for link"


def test_the_tools_of_the_release_in_effect_take_the_place_of_the_shared_ones(releases, tmp_path):
    script(releases.folder("1.0") / "device/attendance", "echo new")
    script(tmp_path / "usr/local/sbin/attendance", "echo old")
    releases.renew_tools()
    renewed = tmp_path / "usr/local/sbin/attendance"
    assert (renewed.read_text(), renewed.stat().st_mode & 0o777) == ("#!/bin/sh\necho new\n", 0o755)
    assert [one.name for one in renewed.parent.iterdir()] == ["attendance"]
    assert not (tmp_path / "usr/local/bin").exists()


def test_a_lock_that_cannot_be_made_names_sudo(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UpdateError, match="can't be locked") as caught, Releases(tmp_path).one_at_a_time():
        pass
    assert caught.value.hint == "run it with sudo"


def test_the_output_of_pip_is_the_error_and_its_temporary_files_are_removed(tmp_path):
    with pytest.raises(UpdateFailedError, match="can't be installed: no such wheel"):
        _called(["sh", "-c", 'echo "no such wheel" >&2; touch "$TMPDIR/x"; exit 1'], tmp_path)
    _called(["sh", "-c", "exit 0"], tmp_path)
    assert not list(tmp_path.iterdir())
