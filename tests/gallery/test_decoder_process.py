"""The decoder has a process of its own: a malicious photograph affects only itself."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_daemon.errors import PhotographError
from edge_daemon.gallery import decoder_process
from edge_daemon.gallery.decoder_process import DecoderProcess
from edge_daemon.interpreter import ISOLATED
from tests.gallery import pictures as make

# Children that stand for a decoder with a fault: each says that it is ready, and then does what it does.
READY = "import os, socket, sys, time; s = socket.socket(fileno=int(sys.argv[1])); s.send(b'{}'); "


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, *ISOLATED, "-c", READY + code)


def test_pictures_and_refusals_come_out_of_the_process_as_they_are():
    with DecoderProcess() as decode:
        assert np.abs(decode(make.jpeg(make.portrait())).astype(int) - make.portrait()).mean() < 4
        assert (decode(make.png(make.portrait())) == make.portrait()).all()
        with pytest.raises(PhotographError, match="truncated file; copy it again"):
            decode(make.png(make.portrait())[:-9])
        with pytest.raises(PhotographError, match="the file is empty"):
            decode(b"")
        picture = decode(make.jpeg(make.portrait(4000, 3000)))
        assert picture.shape == (1600, 1200, 3)
        picture[0, 0] = 7  # it is ours
        assert decode.sandboxed


def test_every_kind_is_decoded_behind_the_filter():
    with DecoderProcess() as decode:
        webp = cv2.imencode(".webp", make.portrait())[1].tobytes()
        assert decode(webp).shape == (60, 40, 3)
        progressive = cv2.imencode(".jpg", make.portrait(2000, 1500), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
        assert decode(progressive).shape == (1600, 1200, 3)
        pytest.importorskip("pi_heif")
        heic = decode((Path(__file__).with_name("heic") / "bright_corner.heic").read_bytes())
        assert np.abs(heic.astype(int) - make.portrait(96, 64)).mean() < 6
        assert decode.sandboxed


def test_a_photograph_that_takes_too_long_costs_its_deadline_and_the_next_one_nothing():
    with DecoderProcess(deadline_s=0.3, command=child("time.sleep(60)")) as decode:
        start = time.monotonic()
        for _ in range(2):
            with pytest.raises(PhotographError, match="took longer than 0 s to be decoded"):
                decode(b"x")
        assert time.monotonic() - start < 50


@pytest.mark.parametrize(
    "code",
    [
        "s.recv(9); os.kill(os.getpid(), 11)",
        "s.recv(9); s.send(b'nonsense'); time.sleep(60)",
        "s.recv(9); s.send(b'[]'); time.sleep(60)",
        "s.recv(9); s.send(b'{}'); time.sleep(60)",
        's.recv(9); s.send(b\'{"height_px": 9, "width_px": 9}\'); time.sleep(60)',
        "s.recv(9); socket.send_fds(s, [b'{\"height_px\": 99, \"width_px\": 99}'], [os.memfd_create('x')]); s.recv(9)",
        's.recv(9); s.send(b\'{"height_px": 100000, "width_px": 100000}\'); time.sleep(60)',
    ],
)
def test_a_decoder_that_crashes_or_lies_is_one_refusal(code):
    with DecoderProcess(command=child(code)) as decode, pytest.raises(PhotographError, match="made its decoder crash"):
        decode(b"x")


def test_a_decoder_that_does_not_start_is_one_refusal(monkeypatch):
    monkeypatch.setattr(decoder_process, "START_S", 1.0)
    command = (sys.executable, "-c", "")
    with DecoderProcess(command=command) as decode, pytest.raises(PhotographError, match="can't be started"):
        decode(b"x")


FILTERED = """
import os, socket, subprocess, sys
from edge_daemon.device.syscall_filter import refuse_files_and_sockets
reader, writer = os.pipe()
assert refuse_files_and_sockets()
attempts = {
    "open": lambda: open("/etc/hostname"),
    "write": lambda: open("/tmp/planted", "w"),
    "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": lambda: socket.socketpair(),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "remove": lambda: os.unlink("/etc/hostname"),
    "folder": lambda: os.mkdir("/tmp/planted-folder"),
    "kill": lambda: os.kill(os.getppid(), 0),
    "chmod": lambda: os.chmod("/etc/hostname", 0),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except PermissionError:
        continue
    print("allowed:", name)
os.write(writer, b"still")
assert os.read(reader, 9) == b"still"
os.close(os.memfd_create("still"))
print("done")
"""


def test_behind_the_filter_no_file_socket_or_program_can_be_had():
    completed = subprocess.run([sys.executable, "-c", FILTERED], capture_output=True, text=True, check=False)
    assert (completed.stdout, completed.stderr) == ("done\n", "")


def test_the_process_ends_with_its_parent():
    code = (
        "import os, sys\n"
        "from edge_daemon.gallery.decoder_process import DecoderProcess\n"
        "from tests.gallery import pictures as make\n"
        "decode = DecoderProcess()\n"
        "decode(make.png(make.portrait()))\n"
        "print(decode._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    root = Path(__file__).parents[2]
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    pid = int(completed.stdout)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Path(f"/proc/{pid}/exe").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}/exe").exists()
