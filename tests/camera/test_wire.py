from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from edge_daemon.camera import wire
from edge_daemon.camera.process import CameraProcess
from edge_daemon.config import CameraConfig
from edge_daemon.errors import CameraError
from tests.camera.test_process import now

PICTURE = np.random.default_rng(3).integers(0, 255, (30, 41, 3), np.uint8)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("picture", [PICTURE, PICTURE[::-1, ::-1], PICTURE[:, 3:9]], ids=["whole", "turned", "cut out"])
def test_a_picture_arrives_as_it_was_sent(pair, picture):
    ours, theirs = pair
    height, width = picture.shape[:2]
    wire.send_picture(theirs, wire.Reply(7, height_px=height, width_px=width, name="8"), picture)
    data, fd = wire.receive(ours)
    reply = wire.decode_reply(data)
    assert (reply.number, reply.name, reply.what) == (7, "8", "")
    received = wire.map_picture(fd, height, width)
    os.close(fd)
    assert np.array_equal(received, picture)
    received[:] = 0  # it belongs to the receiver


def test_a_receivers_changes_of_a_picture_stay_its_own(pair):
    ours, theirs = pair
    wire.send_picture(theirs, wire.Reply(1), PICTURE)
    _, fd = wire.receive(ours)
    first, second = wire.map_picture(fd, 30, 41), wire.map_picture(fd, 30, 41)
    os.close(fd)
    first[:] = 0
    assert np.array_equal(second, PICTURE)


def test_a_sealed_picture_cannot_be_changed_or_shortened(pair):
    ours, theirs = pair
    wire.send_picture(theirs, wire.Reply(1), PICTURE)
    _, fd = wire.receive(ours)
    for change in (lambda: os.pwrite(fd, b"x", 0), lambda: os.ftruncate(fd, 5), lambda: os.ftruncate(fd, 1 << 20)):
        with pytest.raises(PermissionError):
            change()
    os.close(fd)


def test_memory_that_the_sender_could_still_shorten_is_refused():
    fd = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 10_000)
    with pytest.raises(ValueError, match="not a sealed picture"):
        wire.map_picture(fd, 10, 10)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    with pytest.raises(ValueError, match="not a sealed picture"):
        wire.map_picture(fd, 10, 10)
    os.close(fd)


@pytest.mark.parametrize("size", [(31, 41), (1000, 1000), (0, 41), (-30, 41)])
def test_memory_that_is_smaller_than_the_picture_is_refused(pair, size):
    ours, theirs = pair
    wire.send_picture(theirs, wire.Reply(1), PICTURE)
    _, fd = wire.receive(ours)
    with pytest.raises(ValueError, match="not a sealed picture"):
        wire.map_picture(fd, *size)
    os.close(fd)


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b'{"number": 1, "colour": 2}', b"{}", b"3"])
def test_nonsense_is_no_message(data):
    with pytest.raises((ValueError, TypeError)):
        wire.decode_reply(data)


@pytest.mark.parametrize("data", [b"{", b'{"colour": 2}'])
def test_a_process_that_speaks_nonsense_is_a_missed_capture(monkeypatch, data):
    with CameraProcess(CameraConfig("files", "/nowhere"), now=now, deadline_s=30) as camera:
        monkeypatch.setattr(wire, "receive", lambda _: (data, None))
        with pytest.raises(CameraError, match="sent an unreadable answer"):
            camera.capture(0)
        assert camera.pid is None
