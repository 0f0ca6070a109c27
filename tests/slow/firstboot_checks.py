"""Tests a prepared card in a machine that boots; firstboot.sh starts this module."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.device.signing import Signer, fingerprint
from provisioning import make_cards
from tests.slow.systemd_machine import Machine
from tests.slow.systemd_report import Report, wait_for
from tests.slow.systemd_run import run_checks
from tests.slow.systemd_service import Service
from tests.slow.systemd_setup import KEY, LESSON, PROGRAM, timetable

FIRST_BOOT = "edge-daemon-firstboot.service"
BOOT = "boot/firmware"
LESSON_MIN = 4
STAGES = (
    "etc/credstore/edge-daemon.upstream-token",
    "etc/edge-daemon/keys-made-for.json",
    "etc/edge-daemon/config.toml.before",
    "etc/NetworkManager/system-connections/edge-daemon.nmconnection",
    "boot/firmware/edge-daemon-identity.txt",
    "etc/edge-daemon/card-taken",
)
"""Files that the first start writes one after the other."""
SECRETS = (b"tok-in-the-clear", b"correct horse")


def main() -> None:
    """Prepare a card, boot it, cut it off, boot it again."""
    command = "tests/slow/firstboot.sh ROOTFS --json benchmarks/results/firstboot.json"
    run_checks(lambda machine, report, work: Checks(machine, report, work).run(), command)


class Checks:
    """The checks of a device's first start."""

    def __init__(self, machine: Machine, report: Report, work: Path) -> None:
        self._machine, self._report, self._work, self._service = machine, report, work, Service(machine)
        self._master_key = (machine.root / KEY.lstrip("/")).read_bytes()

    def run(self) -> None:
        """Check everything."""
        self._machine.chroot("systemctl", "enable", FIRST_BOOT)
        start = datetime.now(timezone.utc).replace(second=0, microsecond=0) + timedelta(minutes=3)
        self._put_card(start)
        self._cut()
        self._boot()
        self._second_boot()
        self._lesson()

    def _put_card(self, start: datetime) -> None:
        folder = self._work / "list"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "t.ics").write_text(timetable([("Physics", start, LESSON_MIN)]), encoding="utf-8")
        (folder / "token").write_bytes(SECRETS[0])
        (folder / "rooms.csv").write_text(
            "room,device,time_zone,timetable,wifi_ssid,wifi_password,wifi_country,upstream_url,upstream_token_file,"
            "camera_kind,camera_source,device.trust_clock,watchdog\n"
            f"7a,room-7a,Europe/Berlin,t.ics,School,{SECRETS[1].decode()},DE,https://office.invalid/x,token,"
            f"files,{LESSON}/frames,true,yes\n",
            encoding="utf-8",
        )
        cards = folder / "cards"
        if make_cards.main([str(folder / "rooms.csv"), "--output", str(cards), "--os", "bookworm"]) != 0:
            raise SystemExit("no card")
        boot = self._machine.root / BOOT
        shutil.copytree(cards / "room-7a", boot, dirs_exist_ok=True)
        # The master's own settings, as install.sh leaves them, and its folder of databases.
        (self._machine.root / "etc/edge-daemon/config.toml").write_text("[device]\n", encoding="utf-8")

    def _cut(self) -> None:
        """Cut the power in each stage, as soon as the disk shows it."""
        card, met = self._machine.root / BOOT / "edge-daemon/card.json", 0
        for stage in STAGES:
            if card.exists() and not (self._machine.root / stage).exists():  # a cut may come later than its stage
                self._boot_and_cut(self._machine.root / stage)
                met += card.exists()
        self._report.check("power was cut in the first boot, and it was not done", met >= 2, f"{met} times")

    def _boot_and_cut(self, stage: Path) -> None:
        def cut() -> None:
            until = time.monotonic() + 30
            while not stage.exists() and time.monotonic() < until:
                time.sleep(0.002)
            os.kill(self._machine._find_pid1(), signal.SIGKILL)

        thread = threading.Thread(target=cut)
        thread.start()
        with contextlib.suppress(SystemExit, OSError):  # the power goes while it boots
            self._machine.boot()
        thread.join()
        self._machine._gone()

    def _boot(self) -> None:
        report, service = self._report, self._service
        report.figure("boot_s", self._machine.boot())
        took = wait_for(service.is_ready, 60)
        report.check("the service is ready after the first boot", took is not None, service.status)
        if took is None:
            print(service.journal(), service.journal(unit=FIRST_BOOT))
        result = service.show("Result", FIRST_BOOT), service.show("ActiveState", FIRST_BOOT)
        report.check("the first boot's unit did its work and ended", result == ("success", "inactive"), result)
        self._stored()
        self._identity()

    def _stored(self) -> None:
        report, machine = self._report, self._machine
        names = machine.run("hostname").strip(), machine.run("readlink", "/etc/localtime").strip()
        report.check("host name and time zone", names == ("room-7a", "/usr/share/zoneinfo/Europe/Berlin"), names)
        left = [
            str(path.relative_to(machine.root))
            for path in (machine.root / BOOT).rglob("*")
            if path.is_file() and any(secret in path.read_bytes() for secret in SECRETS)
        ]
        report.check("no secret is left on the boot partition", left == [], left)
        report.check("the card's folder is gone", not (machine.root / BOOT / "edge-daemon").exists())
        listed = machine.run("stat", "-c", "%a %U %n", *self._private()).split()
        report.check("credentials are root's alone", set(listed[::3]) | set(listed[1::3]) == {"600", "root"}, listed)
        report.check(
            "the user of the service can read its settings",
            machine.try_("runuser", "-u", "edge-daemon", "--", "cat", "/etc/edge-daemon/config.toml").returncode == 0,
        )

    def _private(self) -> list[str]:
        names = ("device-key", "contact-key", "upstream-token")
        profile = "/etc/NetworkManager/system-connections/edge-daemon.nmconnection"
        return [*(f"/etc/credstore/edge-daemon.{name}" for name in names), profile]

    def _identity(self) -> None:
        report, machine = self._report, self._machine
        key = (machine.root / KEY.lstrip("/")).read_bytes()
        report.check("the master card's key is not the device's", key != self._master_key and len(key) == 32)
        output = machine.run(PROGRAM, "identity")
        text = (machine.root / BOOT / "edge-daemon-identity.txt").read_text(encoding="utf-8")
        mine = fingerprint(Signer(key).public_key)
        report.check("identity is the key's, on the device and on the card", mine in output and mine in text, mine)

    def _second_boot(self) -> None:
        self._machine.off()
        self._machine.boot()
        wait_for(self._service.is_ready, 60)
        condition = self._service.show("ConditionResult", FIRST_BOOT)
        self._report.check("the second boot has nothing to take over", condition == "no", condition)
        self._report.check("the service is ready again", self._service.is_ready(), self._service.status)

    def _lesson(self) -> None:
        service, report = self._service, self._report
        out = service.command(
            *("enrol", "import", f"{LESSON}/roster.csv", "--photos", f"{LESSON}/pictures/enrolment", "--json")
        )
        report.check("students are enrolled with the device's own key", '"accepted"' in out)
        began = wait_for(lambda: service.captures() >= 5, 300, 0.5)
        report.check("the lesson of the card's timetable is held", began is not None, service.status)
        self._machine.cut()
        self._machine.boot()
        over = wait_for(lambda: bool(service.rows("SELECT 1 FROM registers")), 60 * LESSON_MIN + 120, 1)
        report.check("after a power cut in the lesson there is a register", over is not None)
        planned = service.rows("SELECT captures_planned FROM lessons")[0][0]
        (missed,) = service.rows("SELECT count(*) FROM missed")
        taken = service.captures()
        report.check("every slot is taken or missed", taken + missed[0] == planned, f"{taken}+{missed[0]} of {planned}")
        report.check("the ledger agrees with itself", "Traceback" not in service.command("ledger", "verify"))


if __name__ == "__main__":
    main()
