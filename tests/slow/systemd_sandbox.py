"""Checks the sandboxes of the service, the sync and the jobs, and what other users can see of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import KEY, PROBE, REPOSITORY

PORT = 8099
_LISTENER = f"""
import os, socket, threading
def hold(family, address):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen()
    if family == socket.AF_UNIX: os.chmod(address, 0o666)
    while True: sock.accept()[0].close()
for family, address in ((socket.AF_INET, ("127.0.0.1", {PORT})), (socket.AF_UNIX, "/tmp/argus_socket")):
    threading.Thread(target=hold, args=(family, address)).start()
"""
REFUSED = ("EAFNOSUPPORT", "EACCES", "EPERM", "ENOENT", "EROFS", "ESRCH", "EADDRNOTAVAIL", "ENETUNREACH", "ENODEV")
NEVER = (
    *("packet", "home", "root_home", "shadow", "credstore", "key_file", "write_etc", "write_program", "write_usr"),
    *("kill_init", "become_root", "suid_file", "new_namespace", "mount", "trace", "set_clock", "set_name"),
    *("kernel_log", "make_device", "init_visible"),
)
"""Names of the probe's attempts that must fail in every unit."""


def check(machine: Machine, service: Service, report: Report) -> None:
    """Check the sandboxes of the units that need the service to run."""
    (machine.root / PROBE.lstrip("/")).write_text((Path(__file__).parent / "systemd_probe.py").read_text())
    with listener(machine, report):
        _check_service(service, report)
        _check_sync(service, report)
        _check_job(service, report)
        _check_argus(service, report)
    _check_process(machine, service, report)
    _check_others(machine, service, report)


@contextmanager
def listener(machine: Machine, report: Report) -> Iterator[None]:
    """Hold a port and a socket open on the machine, and check that they can be reached from outside a sandbox."""
    machine.run("systemd-run", "--quiet", "--unit=listener", "/usr/bin/python3", "-c", _LISTENER)
    reach = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), 2)"
    took = wait_for(lambda: machine.try_("/usr/bin/python3", "-c", reach).returncode == 0, 10)
    report.check("outside of the sandbox the port answers", took is not None)
    yield
    machine.run("systemctl", "stop", "listener")


def _shut(report: Report, unit: str, found: dict[str, object], doors: tuple[str, ...]) -> None:
    open_doors = {door: found.get(door) for door in doors if found.get(door) not in REFUSED}
    report.check(f"{unit}: {len(doors)} doors are shut", not open_doors, open_doors or ", ".join(doors))


def _check_service(service: Service, report: Report) -> None:
    found = service.probe("edge-daemon.service", PORT)
    name = "service"
    _shut(report, name, found, (*NEVER, "inet", "inet6"))
    report.check(f"{name}: no socket to the network", found.get("inet") == found.get("inet6") == "EAFNOSUPPORT")
    report.check(
        f"{name}: no interface but its own loopback", found.get("interfaces") == ["lo"], found.get("interfaces")
    )
    report.check(f"{name}: no device but cameras", found.get("devices") == [], found.get("devices"))
    report.check(f"{name}: sees no process of others", found.get("foreign_processes") == 0)
    report.check(f"{name}: has a /tmp of its own", found.get("tmp") == [], found.get("tmp"))
    report.check(f"{name}: leaves no core", found.get("core_limit") == 0)
    open_ = ("unix", "netlink", "gallery", "register", "write_state", "write_runtime", "cpuinfo", "timedated")
    shut = {door: found.get(door) for door in open_ if found.get(door) != "yes"}
    report.check(f"{name}: what it needs is open", not shut and found.get("credential") == 32, shut or ", ".join(open_))


def _check_sync(service: Service, report: Report) -> None:
    found = service.probe("edge-daemon-sync.service", PORT)
    gallery = ("gallery", "backups", "service_root", "service_memory", "service_environment", "write_state")
    _shut(report, "sync", found, (*NEVER, *gallery, "netlink"))
    report.check("sync: can't read the gallery", found.get("gallery") == "EACCES", found.get("gallery"))
    report.check(
        "sync: nor through the service's process", found.get("service_root") in REFUSED, found.get("service_root")
    )
    report.check("sync: has no device key", found.get("credential") in ("none", "ENOENT"), found.get("credential"))
    report.check("sync: no device", found.get("devices") == [], found.get("devices"))
    open_ = ("inet", "register", "write_delivery")
    shut = {door: found.get(door) for door in open_ if found.get(door) != "yes"}
    report.check("sync: what it needs is open", not shut, shut or ", ".join(open_))


def _check_job(service: Service, report: Report) -> None:
    found = service.probe("edge-daemon-backup.service", PORT)
    _shut(report, "backup", found, (*NEVER, "inet", "inet6", "netlink", "service_root", "service_memory"))
    report.check("backup: has no device key", found.get("credential") in ("none", "ENOENT"), found.get("credential"))
    report.check("backup: what it needs is open", found.get("gallery") == found.get("write_state") == "yes")


def _check_argus(service: Service, report: Report) -> None:
    over = REPOSITORY / "systemd/drop-ins/jetson.conf"
    found = service.probe("edge-daemon.service", PORT, over)
    report.check(
        "Jetson drop-in: the socket in /tmp can be reached", found.get("argus") == "yes", found.get("argus", found)
    )
    report.check(
        "Jetson drop-in: of /tmp nothing else is there", found.get("tmp") == ["argus_socket"], found.get("tmp")
    )
    over = REPOSITORY / "systemd/drop-ins/hotplug.conf"
    found = service.probe("edge-daemon.service", PORT, over)
    report.check(
        "hot-plug drop-in: still no socket to the network", found.get("inet") == "EAFNOSUPPORT", found.get("inet")
    )


def _check_process(machine: Machine, service: Service, report: Report) -> None:
    """Check the running process from outside."""
    text = machine.run("cat", f"/proc/{service.pid}/status")
    status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    report.check("the running service has no capability", int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0)
    report.check("it is filtered and gains no privilege", (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1"))
    nets = machine.run("readlink", f"/proc/{service.pid}/ns/net", "/proc/1/ns/net").split()
    report.check("it has a network namespace of its own", len(set(nets)) == 2)


def _check_others(machine: Machine, service: Service, report: Report) -> None:
    """Check what another user of the computer can do and see."""

    def as_student(*command: str) -> int:
        return machine.try_("runuser", "-u", "student", "--", *command).returncode

    secret = ("/run/credentials/edge-daemon.service/device-key", KEY, "/var/lib/edge-daemon/gallery/gallery.sqlite")
    read = [path for path in (*secret, "/run/edge-daemon/status.json") if as_student("cat", path) == 0]
    there = [path for path in secret if machine.try_("cat", path).returncode == 0]
    report.check("root finds the files", len(there) == len(secret), there)
    report.check("another user reads neither credential, key, gallery nor status", not read, read)
    environment = machine.run("cat", f"/proc/{service.pid}/environ")
    key = (machine.root / KEY.lstrip("/")).read_bytes()
    report.check("the key is in no environment", key.hex() not in environment)
    properties = machine.run("systemctl", "show", "edge-daemon")
    report.check("systemctl show does not tell the key", key.hex() not in properties)
    wait_for(lambda: as_student("cat", "/run/edge-daemon/metrics/edge-daemon.prom") == 0, 20)
    report.check("everybody reads the metrics", as_student("cat", "/run/edge-daemon/metrics/edge-daemon.prom") == 0)
