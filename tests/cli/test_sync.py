"""`edge-daemon sync` as a command: its output, its exit codes, its end."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

from edge_daemon.app.sync.delivery_lock import alone
from tests.cli.running import run
from tests.office_server import OfficeServer
from tests.sync_device import a_device, add_lessons, held_registers, made_registers


@pytest.fixture
def server(tmp_path):
    with OfficeServer(tmp_path / "office", certificates=tmp_path / "ca") as server:
        yield server


@pytest.fixture
def home(tmp_path, server):
    return a_device(tmp_path / "home", server)


def command(home, *arguments):
    return [sys.executable, "-m", "edge_daemon", "--home", str(home.state_dir), "sync", *arguments]


@pytest.mark.parametrize("arguments", [(), ("--once",)])
def test_one_line_says_what_was_delivered(home, server, arguments):
    result = run(home.state_dir, "sync", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "upstream: 3 delivered\n", "")
    assert held_registers(server) == made_registers(home)


def test_nothing_set_up_is_one_line_and_no_failure(tmp_path):
    home = a_device(tmp_path / "home", None)
    result = run(home.state_dir, "sync")
    assert result.exit_code == 0
    assert result.stdout == "nothing is set up to deliver to: set upstream.url or mail.host\n"


def test_a_second_one_says_so_and_is_done(home):
    with alone(home):
        result = run(home.state_dir, "sync", "--once")
    assert (result.exit_code, result.stdout) == (0, "another sync is delivering already\n")


def test_a_server_that_is_away_is_no_failure_and_says_what_waits(home, server):
    server.stop()
    result = run(home.state_dir, "sync", "--once")
    assert result.exit_code == 0
    assert result.stdout.startswith("upstream: 0 delivered, 3 waiting; ")


def test_a_refusal_fails_the_run_that_meets_it_and_no_later_one(home, server):
    server.token = "another"
    assert run(home.state_dir, "sync", "--once").exit_code == 1
    assert run(home.state_dir, "sync", "--once").exit_code == 0


def test_settings_that_cannot_be_read_are_wrong_input(home):
    (home.state_dir / "config.toml").write_text("[upstream]\nurl = 3\n")
    result = run(home.state_dir, "sync")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_the_line_of_a_waiting_item_has_the_reason(home, server):
    server.faults.extend([*["404"] * len(home.config.upstream.pull), "500"])
    result = run(home.state_dir, "sync")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert "2 delivered, 1 waiting; " in result.stdout
    assert "(500)" in result.stdout


def test_words_of_a_server_cannot_drive_the_terminal(home, server):
    server.faults.extend([*["404"] * len(home.config.upstream.pull), "hostile-words"])
    result = run(home.state_dir, "sync", "--once")
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_json_has_figures_by_receiver(home):
    document = json.loads(run(home.state_dir, "sync", "--json").stdout)
    assert document["nothing_done"] is None
    assert document["destinations"]["upstream"]["tried"] == {"delivered": 3}
    assert document["destinations"]["upstream"]["queue"]["waiting"] == 0


def test_sigterm_lets_the_exchange_in_hand_end_and_the_next_run_goes_on(home, server, monkeypatch):
    add_lessons(home, range(3, 60))
    store, stored, signalled = server.store, threading.Event(), threading.Event()

    def waiting(path: str, body: bytes, *, write_once: bool) -> str:
        """Store a document; the first register is answered only after the signal was sent."""
        what = store(path, body, write_once=write_once)
        if "/registers/" in path:
            stored.set()
            signalled.wait(60)
        return what

    monkeypatch.setattr(server, "store", waiting)
    process = subprocess.Popen(command(home, "--once"), stdout=subprocess.PIPE, text=True)
    assert stored.wait(120)
    process.send_signal(signal.SIGTERM)
    signalled.set()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert output.startswith("stopped before the end; upstream: 1 delivered")
    assert len(held_registers(server)) == 1
    run(home.state_dir, "sync", "--once")
    assert held_registers(server) == made_registers(home)


def test_a_person_at_a_terminal_sees_a_bar_and_a_timer_none(home):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(home), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        output += part
    assert process.wait(120) == 0
    assert b"delivering" in output
    assert b"3/3" in output
    os.close(ours)


def test_the_process_with_the_network_loads_no_numpy(tmp_path):
    home = a_device(tmp_path / "home", None, lessons=0)
    code = (
        "import sys; from edge_daemon.__main__ import run; "
        f"run(['--home', {str(home.state_dir)!r}, 'sync']); "
        "from edge_daemon.app.sync import mail_receiver, office_receiver; "
        "sys.exit(bool({'numpy', 'cv2', 'icalendar'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL).returncode == 0
