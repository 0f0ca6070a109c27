"""A machine for tests: a folder of Debian under an overlay, booted by systemd-nspawn with a real systemd as process 1.

The caller has a mount namespace of its own (`unshare --mount`), so that every mount disappears at its end. The
machine's only network is its own loopback. The overlay stays between boots, like a disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_S = 60.0
# nsenter alone would give what the machine itself has not: its clock and its kernel are the host's.
_NEVER = "-sys_time,-sys_module,-sys_rawio,-sys_boot,-syslog"

# nspawn wants a /run that is no disk, and one tree of control groups, which this host may mount the old way.
_BOOT = """set -eu
mount -t tmpfs tmpfs /run
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$NAME"
echo $$ >"/sys/fs/cgroup/$NAME/cgroup.procs"
exec systemd-nspawn --quiet --register=no --keep-unit --machine="$NAME" --private-network --resolv-conf=off \
    --timezone=off --link-journal=no --console=pipe --directory="$ROOT" --boot </dev/null
"""


class Machine:
    """One machine; `root` is its disk as the host sees it.

    Args:
        rootfs: the folder of Debian, which is only read.
        work: folder of the overlay; emptied first.
    """

    def __init__(self, rootfs: Path, work: Path) -> None:
        self.root = work / "root"
        self._console = work / "console.log"
        self._name = f"edge-daemon-{os.getpid()}"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._pid1 = 0
        for name in ("upper", "overlay-work", "root"):
            shutil.rmtree(work / name, ignore_errors=True)
            (work / name).mkdir(parents=True)
        options = f"lowerdir={rootfs},upperdir={work / 'upper'},workdir={work / 'overlay-work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)], check=True)
        self._work = work
        self.version = self.chroot("systemctl", "--version").splitlines()[0]

    def chroot(self, *command: str) -> str:
        """Run a command on the disk of the machine while it is off."""
        inside = ["chroot", str(self.root), "env", "-i", f"PATH={PATH}", "LANG=C.UTF-8", *command]
        with_proc = 'mount -t proc proc "$0/proc" && exec "$@"'
        return _run(["unshare", "--mount", "sh", "-c", with_proc, str(self.root), *inside])

    def boot(self) -> float:
        """Switch on, and return after how many seconds the system reports that it is up."""
        started = time.monotonic()
        env = {"PATH": PATH, "NAME": self._name, "ROOT": str(self.root)}
        with self._console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", _BOOT],
                env=env,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        while time.monotonic() - started < BOOT_S:
            self._pid1 = self._find_pid1()
            if self._pid1 and self.try_("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                return time.monotonic() - started
            time.sleep(0.2)
        raise SystemExit(f"the machine does not come up: {self._console.read_text(errors='replace')[-2000:]}")

    def try_(self, *command: str, stdin: str = "", timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine as root."""
        enter = ["nsenter", "-t", str(self._pid1), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"]
        limits = ["setpriv", f"--bounding-set={_NEVER}", f"--inh-caps={_NEVER}", "--"]
        clean = ["env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"]
        return subprocess.run(
            [*limits, *enter, *clean, *command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )

    def run(self, *command: str, stdin: str = "", timeout_s: float = 120) -> str:
        """Run a command on the machine as root; it has to succeed."""
        result = self.try_(*command, stdin=stdin, timeout_s=timeout_s)
        if result.returncode:
            raise SystemExit(f"{' '.join(command)}: {result.returncode}: {result.stderr}{result.stdout}")
        return result.stdout

    def write(self, path: str, text: str) -> None:
        """Write a file on the running machine, in one step."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(target)

    def cut(self) -> None:
        """Cut the power."""
        os.kill(self._pid1, signal.SIGKILL)
        self._gone()

    def off(self) -> None:
        """Power off like a person, by force after a while."""
        if self._nspawn is None:
            return
        if self._pid1:
            os.kill(self._pid1, signal.SIGRTMIN + 4)
        self._gone()

    def unmount(self, *, keep: bool) -> None:
        """Unmount the disk; its changes are lost unless they are kept in `upper`."""
        for groups in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
            for folder, _, _ in os.walk(groups / self._name, topdown=False):
                Path(folder).rmdir()
        subprocess.run(["umount", "--recursive", str(self.root)], check=False)
        for name in ("overlay-work", *(() if keep else ("upper",))):
            shutil.rmtree(self._work / name, ignore_errors=True)

    def _gone(self) -> None:
        assert self._nspawn is not None
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._nspawn.pid, signal.SIGKILL)
            self._nspawn.wait(10)
        self._nspawn, self._pid1 = None, 0

    def _find_pid1(self) -> int:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise SystemExit(f"systemd-nspawn: {self._console.read_text(errors='replace')[-2000:]}")
        try:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            found = [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"]
        except OSError:
            return 0
        return found[0] if found else 0


def _run(command: list[str]) -> str:
    completed = subprocess.run(command, capture_output=True, text=True)
    if completed.returncode:
        raise SystemExit(f"{' '.join(command)}: {completed.returncode}: {completed.stderr}{completed.stdout}")
    return completed.stdout
