"""Runs instead of the program in the sandbox of one of its units, and tries what the sandbox should prevent.

    python3 systemd_probe.py PORT PID

PORT is that of a listener on this machine, PID that of the running service. The script prints one JSON object: for each
attempt "yes", the error's name, or the finding. It needs only the standard library.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STATE = Path("/var/lib/edge-daemon")
KEY = "device-key"
CLONE_NEWUSER = 0x10000000
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Try everything."""
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    doors: dict[str, Callable[[], object]] = {
        "inet": lambda: _connect(socket.AF_INET, ("127.0.0.1", port)),
        "inet6": lambda: _connect(socket.AF_INET6, ("::1", port)),
        "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).close(),
        "unix": lambda: socket.socket(socket.AF_UNIX).close(),
        "argus": lambda: _connect(socket.AF_UNIX, "/tmp/argus_socket"),
        "interfaces": _interfaces,
        "home": lambda: _names("/home"),
        "root_home": lambda: _names("/root"),
        "tmp": lambda: _names("/tmp"),
        "shadow": lambda: Path("/etc/shadow").read_bytes() and None,
        "credstore": lambda: _names("/etc/credstore"),
        "key_file": lambda: Path("/etc/credstore/edge-daemon.device-key").read_bytes() and None,
        "credential": lambda: len((Path(os.environ["CREDENTIALS_DIRECTORY"]) / KEY).read_bytes()),
        "gallery": lambda: _read(STATE / "gallery" / "gallery.sqlite"),
        "gallery_log": lambda: _read(STATE / "gallery" / "gallery.sqlite-wal"),
        "register": lambda: _read(STATE / "register.sqlite"),
        "backups": lambda: len(_names(f"{STATE}/backups")),
        "write_state": lambda: _write(STATE),
        "write_delivery": lambda: _write(STATE.with_name("edge-daemon-sync")),
        "write_etc": lambda: _write(Path("/etc/edge-daemon")),
        "write_program": lambda: _write(Path("/opt/edge-daemon")),
        "write_usr": lambda: _write(Path("/usr/local")),
        "write_runtime": lambda: _write(Path("/run/edge-daemon")),
        "service_root": lambda: _names(f"/proc/{pid}/root/var/lib/edge-daemon"),
        "service_memory": lambda: _read(Path(f"/proc/{pid}/mem")),
        "service_environment": lambda: _read(Path(f"/proc/{pid}/environ")),
        "init_visible": lambda: _names("/proc/1/fd"),
        "foreign_processes": _foreign,
        "kill_init": lambda: os.kill(1, signal.SIGCONT),
        "become_root": lambda: os.setuid(0),
        "suid_file": _suid,
        "new_namespace": lambda: _call("unshare", CLONE_NEWUSER),
        "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "trace": lambda: _call("ptrace", 16, pid, 0, 0),
        "set_clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
        "set_name": lambda: socket.sethostname("other"),
        "devices": _devices,
        "kernel_log": lambda: os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)),
        "make_device": lambda: os.mknod(STATE / "null", 0o20600, os.makedev(1, 3)),
        "core_limit": lambda: __import__("resource").getrlimit(4)[0],
        "boot_id": lambda: len(Path("/proc/sys/kernel/random/boot_id").read_text()),
        "timedated": lambda: (
            subprocess.run(["timedatectl", "show"], check=True, capture_output=True, timeout=10) and None
        ),
        "cpuinfo": lambda: _read(Path("/proc/cpuinfo")),
    }
    print(json.dumps({name: _tried(door) for name, door in doors.items()}))


def _tried(door: Callable[[], object]) -> object:
    try:
        found = door()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except KeyError:
        return "none"
    except subprocess.SubprocessError as error:
        return str(error)
    return "yes" if found is None else found


def _connect(family: int, address: object) -> None:
    with socket.socket(family) as sock:
        sock.settimeout(3)
        sock.connect(address)


def _interfaces() -> list[str]:
    lines = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


def _names(folder: str) -> list[str]:
    return sorted(entry.name for entry in Path(folder).iterdir())


def _read(path: Path) -> None:
    with path.open("rb") as file:
        file.read(64)


def _write(folder: Path) -> None:
    path = folder / "probe"
    path.write_bytes(b"x")
    path.unlink()


def _foreign() -> int:
    """Return the number of visible processes of other users."""
    count = 0
    for entry in Path("/proc").iterdir():
        try:
            count += entry.name.isdecimal() and entry.stat().st_uid != os.getuid()
        except OSError:
            continue
    return count


def _suid() -> None:
    path = STATE / "probe-suid"
    path.touch()
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def _call(name: str, *arguments: object) -> None:
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _devices() -> list[str]:
    """Return the device nodes that can be opened, without harmless ones."""
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"}
    found = []
    for entry in Path("/dev").iterdir():
        if entry.name in harmless or entry.is_symlink() or not (entry.is_char_device() or entry.is_block_device()):
            continue
        try:
            os.close(os.open(entry, os.O_RDONLY | os.O_NONBLOCK))
        except OSError:
            continue
        found.append(entry.name)
    return sorted(found)


if __name__ == "__main__":
    main()
