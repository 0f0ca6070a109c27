"""A device's file system in a folder, and the card that is put into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge_daemon.app.firstboot.steps import first_boot
from tests.provisioning.lists import GOOD, cards

BOOT = "boot/firmware"


class Device:
    """What a first start finds, and which programs it called."""

    def __init__(self, root: Path) -> None:
        self.root, self.boot, self.commands = root, root / BOOT, []
        for folder in ("etc", "sys/class/rtc", "usr/lib/systemd/system", "usr/share/zoneinfo/Europe", "var/lib"):
            (root / folder).mkdir(parents=True)
        (root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n")
        (root / "etc/timezone").write_text("Etc/UTC\n")
        (root / "usr/share/zoneinfo/Europe/Berlin").write_text("TZif")
        (root / "usr/lib/systemd/system/edge-daemon.service").write_text("")
        self.boot.mkdir(parents=True)

    def put(self, folder: Path) -> None:
        """Put a device's folder on the boot partition."""
        shutil.copytree(folder, self.boot, dirs_exist_ok=True)

    def start(self):
        return first_boot(self.root, self.commands.append)

    def has(self, path: str) -> bool:
        return (self.root / path).exists()

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Every file and link with its mode and content."""
        paths = sorted(p for p in self.root.rglob("*") if p.is_symlink() or p.is_file())
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mode,
                str(path.readlink()).encode() if path.is_symlink() else path.read_bytes(),
            )
            for path in paths
        }


def card_folder(tmp_path: Path, *, options: tuple[str, ...] = (), **changes: str) -> Path:
    """Return the folder of one card, by default room 7a's."""
    where = tmp_path / f"card-{len(list(tmp_path.glob('card-*')))}"
    where.mkdir()
    row = {**GOOD, **changes}
    return cards(where, row, options=options) / row["device"]
