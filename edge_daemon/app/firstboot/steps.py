"""The steps of the first start, in their order."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge_daemon.app.firstboot import card as cards
from edge_daemon.app.firstboot import device_keys, host_setup, identity
from edge_daemon.app.firstboot.card import CREDENTIALS, WIFI, Card
from edge_daemon.app.firstboot.card_files import put, remove, wipe
from edge_daemon.app.firstboot.identity import Identity
from edge_daemon.errors import EdgeError, ProvisioningError

TAKEN = "etc/edge-daemon/card-taken"
"""File with the digest of a card that is stored completely, so that only wiping remains."""
_NO_CLOCK = "this room has no network and the box no clock chip: without the time every register will be inconclusive"
_WITHOUT_WIFI = b"network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n      optional: true\n"


def first_boot(root: Path, command: host_setup.Command = host_setup.run) -> tuple[Identity, str] | None:
    """Take over the card, if there is one; safe to repeat at any point.

    Args:
        root: root of the file system.
        command: runs a program of the system.

    Returns:
        The identity of the device, and a warning or an empty text. None if there is no card to take over and the stored
        identity matches the key.

    Raises:
        EdgeError: the card is damaged or a copy, or the disk can't be written.
            The error is also written to the boot partition.
    """
    folder = cards.find(root)
    try:
        return _take(cards.read(folder), root, command) if folder else _without_card(root)
    except OSError as error:
        where = str(error.filename or folder or root)
        problem = ProvisioningError(f"{error.strerror}", where, "is the card full or broken?")
        _leave_word(problem, folder)
        raise problem from error
    except EdgeError as error:
        _leave_word(error, folder)
        raise


def _without_card(root: Path) -> tuple[Identity, str] | None:
    _tidy(root)
    key = device_keys.in_use(root)
    who = identity.renew(root, key) if key else None
    return (who, "") if who else None


def _take(card: Card, root: Path, command: host_setup.Command) -> tuple[Identity, str]:
    taken = root / TAKEN
    if not (taken.is_file() and taken.read_text(encoding="ascii") == card.digest):
        cards.check(card, root)
        device_keys.check(card, root)
        host_setup.stop(root, command)
        _credentials(card, root)
        device_key = device_keys.make(card, root)
        _settings(card, root)
        host_setup.name(card, root, command)
        host_setup.time_zone(card, root)
        host_setup.network(card, root, command)
        host_setup.watchdog(card, root)
    else:
        device_key = device_keys.make(card, root)  # they exist already
    who = identity.identity(card.device, card.room, device_key)
    warning = _NO_CLOCK if card.network == "none" and not host_setup.has_clock_chip(root) else ""
    identity.publish(who, root, card.folder.parent, warning)
    host_setup.services(root, command)
    put(taken, card.digest.encode("ascii"), 0o644)
    _wipe(card)
    _tidy(root)
    return who, warning


def _credentials(card: Card, root: Path) -> None:
    """Store the card's tokens and passwords where only root can read them; wipe stored ones that the card lacks."""
    store = root / device_keys.STORE
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, kept in CREDENTIALS.items():
        if name in card.secrets:
            put(store / kept, (card.folder / name).read_bytes().rstrip(b"\r\n"), 0o600)
        else:
            wipe(store / kept)


def _settings(card: Card, root: Path) -> None:
    """Put settings and timetables into /etc/edge-daemon; keep a copy of earlier settings there."""
    folder = root / "etc/edge-daemon"
    config = folder / "config.toml"
    new = (card.folder / "config.toml").read_bytes()
    if config.is_file() and config.read_bytes() != new:
        put(folder / "config.toml.before", config.read_bytes(), 0o644)
    for name in card.files:
        if name not in ("config.toml", "hook.sh"):
            put(folder / name, (card.folder / name).read_bytes(), 0o644)
    put(config, new, 0o644)


def _wipe(card: Card) -> None:
    """Remove everything private from the boot partition, card.json last."""
    boot = card.folder.parent
    for name in (*CREDENTIALS, WIFI):
        wipe(card.folder / name)
    network = boot / "network-config"
    if network.is_file() and network.read_bytes() != _WITHOUT_WIFI:
        wipe(network)
    if (boot / "user-data").is_file():
        put(network, _WITHOUT_WIFI, None)
    for name in card.files:
        remove(card.folder / name)
    shutil.rmtree(card.folder / "software", ignore_errors=True)
    remove(card.folder / "card.json")  # in one step, because half of it would be a damaged card


def _tidy(root: Path) -> None:
    """Remove the folder of a card that is taken over, also after a power cut right before this step."""
    if (root / TAKEN).exists():
        for folder in cards.FOLDERS:
            shutil.rmtree(root / folder, ignore_errors=True)
        remove(root / TAKEN)


def _leave_word(problem: EdgeError, folder: Path | None) -> None:
    try:
        if folder:
            identity.report_problem(problem.line(), folder.parent)
    except OSError:
        return  # the boot partition can't be written; the log has the problem
