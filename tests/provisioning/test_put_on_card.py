"""A device's folder on the boot partition: whole or not at all; other contents stay, except our lines."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from provisioning import put_on_card
from tests.provisioning.lists import ALONE, GOOD, ROOT, cards

CMDLINE = "console=tty1 root=PARTUUID=1-02 rootwait ds=nocloud;i=rpios-image\n"


@pytest.fixture
def boot(tmp_path):
    folder = tmp_path / "bootfs"
    folder.mkdir()
    (folder / "cmdline.txt").write_text(CMDLINE)
    (folder / "config.txt").write_text("[all]\ndtparam=audio=on\n")
    (folder / "user-data").write_text("#cloud-config\n")
    return folder


def test_a_card_gets_its_folder_and_the_words_of_the_kernel_once(tmp_path, boot, capsys):
    row = {**GOOD, "network": "none", "rtc": "ds3231", "upstream_url": "", "upstream_token_file": ""}
    row.update(wifi_ssid="", wifi_password="", wifi_country="")
    folder = cards(tmp_path, row) / "room-7a"
    for _ in range(2):
        assert put_on_card.main([str(folder), str(boot)]) == 0
    words = (boot / "cmdline.txt").read_text().split()
    assert [word.split("=")[0] for word in words] == ["console", "root", "rootwait", "cgroup_enable", "ds"]
    assert words[3] == "cgroup_enable=memory"
    assert words[4].startswith("ds=nocloud;i=edge-daemon-room-7a-")
    assert (boot / "config.txt").read_text().count("dtoverlay=i2c-rtc,ds3231") == 1
    assert (boot / "config.txt").read_text().startswith("[all]\ndtparam=audio=on\n")
    assert (boot / "edge-daemon/config.toml").read_bytes() == (folder / "edge-daemon/config.toml").read_bytes()
    assert not (boot / "additions.txt").exists()


def test_a_copy_that_was_cut_off_is_no_card(tmp_path, boot, monkeypatch):
    folder = cards(tmp_path, GOOD) / "room-7a"
    put_on_card.main([str(folder), str(boot)])

    def pulled_out(place, content):
        raise OSError(5, "Input/output error", str(place))

    monkeypatch.setattr(put_on_card, "_write", pulled_out)
    assert put_on_card.main([str(folder), str(boot)]) == 2
    assert not (boot / "edge-daemon/card.json").exists()


def test_a_card_of_another_system_is_refused(tmp_path, boot, capsys):
    folder = cards(tmp_path, GOOD, options=("--os", "bookworm")) / "room-7a"
    assert put_on_card.main([str(folder), str(boot)]) == 2
    assert "--os trixie" in capsys.readouterr().err
    assert put_on_card.main([str(folder), str(ROOT)]) == 2
    assert "is not a boot partition" in capsys.readouterr().err


def damage(folder, how):
    inner = folder / "edge-daemon"
    if how == "altered":
        (inner / "config.toml").write_bytes((inner / "config.toml").read_bytes() + b"#")
    elif how == "missing":
        (inner / "config.toml").unlink()
    elif how == "empty secret":
        (inner / "upstream-token").write_bytes(b"")
    elif how == "no manifest":
        (inner / "card.json").write_text("{")
    elif how == "nested":
        (inner / "card.json").write_text("[" * 100_000)
    elif how == "endless":
        (inner / "card.json").write_text(" " * 1_000_000)
    else:
        (folder / how).unlink()


@pytest.mark.parametrize(
    ("how", "expected_message"),
    [
        ("altered", "config.toml: was changed after it was written"),
        ("missing", "config.toml: can't be read: No such file"),
        ("empty secret", "upstream-token: was changed after it was written"),
        ("no manifest", "card.json: is damaged, or is not a card of this program"),
        ("nested", "card.json: is damaged, or is not a card of this program"),
        ("endless", "card.json: is longer than 256 KiB"),
        ("user-data", "room-7a: is not whole"),
        ("network-config", "room-7a: is not whole"),
        ("additions.txt", "room-7a: is not whole"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_and_the_card_is_as_it_was(tmp_path, boot, capsys, how, expected_message):
    folder = cards(tmp_path, GOOD) / "room-7a"
    assert put_on_card.main([str(folder), str(boot)]) == 0
    before = {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()}
    damage(folder, how)
    assert put_on_card.main([str(folder), str(boot)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected_message in line
    assert line.endswith("again: provisioning/make_cards.py")
    assert {path: path.read_bytes() for path in boot.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"console=tty1 rootwait\n"])
def test_a_kernels_command_line_that_starts_no_system_is_refused(tmp_path, boot, capsys, content):
    folder = cards(tmp_path, GOOD) / "room-7a"
    (boot / "cmdline.txt").write_bytes(content)
    assert put_on_card.main([str(folder), str(boot)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cmdline.txt: has no root=" in line
    assert (boot / "cmdline.txt").read_bytes() == content
    assert not (boot / "edge-daemon").exists()


def test_bytes_of_another_alphabet_stay_as_they_are(tmp_path, boot):
    folder = cards(tmp_path, {**GOOD, "rtc": "ds3231"}) / "room-7a"
    (boot / "cmdline.txt").write_bytes(b"root=/dev/mmcblk0p2 label=B\xfc\xa0ro\x85 rootwait\n")
    (boot / "config.txt").write_bytes(b"# f\xfcr die Sch\xf6ne\r\n[all]\r\n")
    for _ in range(2):
        assert put_on_card.main([str(folder), str(boot)]) == 0
    assert (
        (boot / "cmdline.txt")
        .read_bytes()
        .startswith(b"root=/dev/mmcblk0p2 label=B\xfc\xa0ro\x85 rootwait cgroup_enable=memory ds=")
    )
    text = (boot / "config.txt").read_bytes()
    assert text.startswith(b"# f\xfcr die Sch\xf6ne\r\n[all]\n# edge-daemon: the clock chip\n")
    assert text.count(b"i2c-rtc") == 1


def test_other_controllers_that_a_person_enabled_stay():
    words = ["cgroup_enable=memory", "ds=nocloud;i=new"]
    given = b"root=/dev/x cgroup_enable=cpuset cgroup_enable=memory ds=nocloud;i=old rootwait\n"
    cmdline = put_on_card.with_words(given, words)
    assert cmdline == b"root=/dev/x cgroup_enable=cpuset rootwait cgroup_enable=memory ds=nocloud;i=new\n"
    assert put_on_card.with_words(cmdline, words) == cmdline


def test_lines_that_an_editor_of_windows_has_saved_are_still_ours():
    once = put_on_card.with_lines(b"[all]\n", ["dtoverlay=x"])
    assert put_on_card.with_lines(once.replace(b"\n", b"\r\n"), []) == b"[all]\n"


@pytest.mark.parametrize("name", ["cmdline.txt", "config.txt"])
def test_a_file_of_the_system_is_replaced_and_never_written_in_place(tmp_path, boot, name):
    folder = cards(tmp_path, {**GOOD, "rtc": "ds3231"}) / "room-7a"
    before = (boot / name).read_bytes()
    os.link(boot / name, tmp_path / "as-it-was")
    assert put_on_card.main([str(folder), str(boot)]) == 0
    assert (tmp_path / "as-it-was").read_bytes() == before != (boot / name).read_bytes()
    assert not list(boot.rglob("*.part"))


def test_put_on_card_needs_no_package(tmp_path, boot):
    folder = cards(tmp_path, GOOD) / "room-7a"
    script = ROOT / "provisioning/put_on_card.py"
    completed = subprocess.run(
        [sys.executable, *ALONE, str(script), str(folder), str(boot)], capture_output=True, text=True, timeout=60
    )
    assert (completed.returncode, completed.stderr) == (0, "")
