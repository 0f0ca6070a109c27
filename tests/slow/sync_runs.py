"""Runs sync in processes of their own, forked from one that has everything loaded, so that each starts in 10 ms.

    python -m tests.slow.sync_runs

It reads one line of JSON for each run from stdin: {"home", "at", "boot_id", "uptime_s", "seed", "eager", "dns",
"file_limit", "jump_s", "jump_after"}. First it answers {"pid"}, so that the run can be killed. After the run it answers
{"rc", "line", "needs_a_person", "error"}.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import random
import resource
import signal
import socket
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import requests  # noqa: F401 - loaded before the fork
import sqlite_utils  # noqa: F401

from edge_daemon.app.notices import mail_delivery
from edge_daemon.app.sync import mail_receiver, office_receiver  # noqa: F401 - loaded before the fork
from edge_daemon.app.sync.sync_session import SyncSession
from edge_daemon.delivery.http import Limits
from edge_daemon.delivery.mail_server import MailServer
from edge_daemon.errors import EdgeError
from edge_daemon.home import Home
from edge_daemon.store.waits import Uptime

IMPATIENT = Limits(connect_s=1.0, read_s=0.4, exchange_s=0.8)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


class JumpingClock:
    """Advances a little at each reading, and jumps once."""

    def __init__(self, at: datetime, jump_s: float, jump_after: int) -> None:
        self.at, self._jump_s, self._left = at, jump_s, jump_after

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=5)
        self._left -= 1
        return self.at + timedelta(seconds=self._jump_s) if self._left < 0 else self.at


def without_names() -> None:
    """Hide the name server and the list of host names from this process, with its own mounts if allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0:
        with tempfile.NamedTemporaryFile("w", delete=False) as nobody:
            nobody.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        for file in (b"/etc/hosts", b"/etc/resolv.conf", b"/etc/nsswitch.conf"):
            libc.mount(nobody.name.encode(), file, None, MS_BIND, None)
        try:
            socket.getaddrinfo("localhost", 1)
        except socket.gaierror:
            return

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    socket.getaddrinfo = fail


def one_run(request: dict, answers: int) -> None:
    run_result: dict[str, object] = {"line": "", "needs_a_person": False, "error": ""}
    office_receiver.LIMITS = IMPATIENT
    mail_delivery.MailServer = functools.partial(MailServer, timeout_s=1.0, deadline_s=2.0)
    if request.get("dns"):
        without_names()
    if request.get("file_limit"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"], resource.RLIM_INFINITY))
    at = datetime.fromisoformat(request["at"])
    clock = JumpingClock(at, request.get("jump_s", 0.0), request.get("jump_after", 10**9))
    try:
        session = SyncSession(
            Home(Path(request["home"])),
            now=clock,
            rng=random.Random(request["seed"]),
            eager=request.get("eager", False),
            uptime=lambda: Uptime(request["boot_id"], request["uptime_s"] + (clock.at - at).total_seconds()),
        )
        result = session.go()
        run_result |= {"line": result.line(), "needs_a_person": result.needs_a_person}
    except EdgeError as error:
        run_result["error"] = error.line()
    os.write(answers, json.dumps(run_result).encode() + b"\n")


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.close(reading)
                one_run(request, writing)
                code = 0
            except BaseException as error:  # noqa: BLE001 - the edge of the process
                text = f"{type(error).__name__}: {error}"
                os.write(writing, json.dumps({"crash": text}).encode() + b"\n")
            finally:
                os._exit(code)
        os.close(writing)
        print(json.dumps({"pid": pid}), flush=True)
        with os.fdopen(reading) as answers:
            line = answers.readline()
        _, status = os.waitpid(pid, 0)
        run_result = json.loads(line) if line.endswith("\n") else {}
        print(json.dumps({"rc": os.waitstatus_to_exitcode(status), **run_result}), flush=True)


if __name__ == "__main__":
    main()
