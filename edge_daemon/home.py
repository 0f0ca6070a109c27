"""The paths of an installation's settings, databases and keys."""

from __future__ import annotations

import os
import shlex
from functools import cached_property
from pathlib import Path

from edge_daemon.config import Config
from edge_daemon.configfile import load_config
from edge_daemon.errors import RegisterError, StoreError


class Home:
    """The paths of one installation: either the system's folders, or one folder that holds everything.

    Args:
        folder: the folder of `--home`, which the program creates when it first stores something. If None, the system's
            folders are used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.home_mode = folder is not None
        """True: the device key is a file in the folder; False: it is a systemd credential."""
        self.state_dir = folder if folder is not None else Path("/var/lib/edge-daemon")
        self.delivery_dir = folder / "sync" if folder is not None else Path("/var/lib/edge-daemon-sync")
        """Data of the process with network access: its database, its report, and the documents that it fetched.

        On an installed device another user owns this folder. That user may only read the database of registers.
        """
        self.config_path = (folder if folder is not None else Path("/etc/edge-daemon")) / "config.toml"

    @cached_property
    def config(self) -> Config:
        """The settings, read at first use; raises ConfigError."""
        return load_config(self.config_path)

    @property
    def register_db_path(self) -> Path:
        """File of the database with captures, sightings and registers."""
        return self.state_dir / "register.sqlite"

    @property
    def delivery_db_path(self) -> Path:
        """File of the database with delivery attempts, receipts and claims."""
        return self.delivery_dir / "delivery.sqlite"

    @property
    def may_write_registers(self) -> bool:
        """Whether this process may write the database of registers.

        On an installed device, the process with network access must not write it.
        """
        path = self.register_db_path
        folder = path.parent if path.parent.exists() else path.parent.parent
        return os.access(folder, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))

    @property
    def gallery_db_path(self) -> Path:
        """File of the database with templates. On a device the process with network access can't enter its folder.

        SQLite creates and removes further files beside it (-wal, -shm). The folder's permissions protect all of them.
        """
        return (self.state_dir if self.home_mode else self.state_dir / "gallery") / "gallery.sqlite"

    @property
    def backup_dir(self) -> Path:
        """Folder of the verified backups of register.sqlite and gallery.sqlite."""
        return self.state_dir / "backups"

    @property
    def damaged_dir(self) -> Path:
        """Folder to which the program moves a damaged database before it restores a backup."""
        return self.state_dir / "damaged"

    @property
    def suspect_path(self) -> Path:
        """Marker file of damage to a database. The next start checks both databases fully and removes the file."""
        return self.state_dir / "damage-found"

    @property
    def runtime_dir(self) -> Path:
        """Folder for status files of the running service.

        An installed device has it on a tmpfs, so writing does not wear the card, and the files vanish at a restart of
        the computer.
        """
        return self.state_dir / "run" if self.home_mode else Path("/run/edge-daemon")

    @property
    def door_faces_dir(self) -> Path | None:
        """Folder for the sealed faces that a door camera saw, on a tmpfs. None in home mode, which has only a disk."""
        return None if self.home_mode else self.runtime_dir / "door-faces"

    @property
    def key_path(self) -> Path:
        """File of the device key in home mode."""
        return self.state_dir / "device.key"

    @property
    def gallery_slots_path(self) -> Path:
        """File with the gallery's slot key. Every erasure replaces the key and destroys the old one.

        The process with network access can't enter its folder.
        """
        return self.gallery_db_path.with_name("gallery.keys")

    @property
    def contact_slots_path(self) -> Path:
        """File with the contacts' slot key. Every erasure replaces the key and destroys the old one.

        The process that sends mail may read it.
        """
        return self.state_dir / "contact.keys"

    @property
    def contact_key_path(self) -> Path:
        """File of the contact key in home mode."""
        return self.state_dir / "contact.key"

    @property
    def first_step(self) -> str:
        """Advice on how this installation gets its first register, for an error's hint."""
        if os.path.exists(self.gallery_db_path):  # noqa: PTH110 - False where nobody else may look
            return "a lesson of the timetable makes the first one, or `edge-daemon rehearse`"
        return self.enrol_step

    @property
    def enrol_step(self) -> str:
        """Advice on how students are enrolled on this installation, for an error's hint."""
        command = f"edge-daemon --home {shlex.quote(str(self.state_dir))}" if self.home_mode else "sudo attendance"
        return f"enrol first: `{command} enrol import ROSTER.csv --photos FOLDER`"

    def check_folder(self) -> None:
        """Check that the state folder exists, for a command that only lists what is in it.

        Raises:
            StoreError: there is no such folder; the hint names --home and `first_step`.
        """
        if not os.path.isdir(self.state_dir):  # noqa: PTH112 - False where nobody else may look
            hint = f"name the folder of an installation with --home, or {self.first_step}"
            raise StoreError("there is no such folder", str(self.state_dir), hint)

    def check_registers(self) -> None:
        """Check that this installation has a database of registers.

        Raises:
            RegisterError: there is none yet; the hint is `first_step`.
            StoreError: there is no state folder; the hint names --home.
        """
        try:
            is_there = self.register_db_path.exists()
        except PermissionError:  # opening the database reports its owner
            return
        if not is_there:
            self.check_folder()
            raise RegisterError("there is no register yet", str(self.register_db_path), self.first_step)

    def ensure_delivery_dir(self) -> None:
        """Create the folder of the process with network access, for its owner only, unless it exists.

        Raises:
            StoreError: the folder can't be created.
        """
        try:
            self.delivery_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            raise StoreError(f"can't be made or used as a folder: {e.strerror}", str(self.delivery_dir)) from e

    def ensure_state_dir(self) -> None:
        """Create the state folder, for its owner only, unless it exists.

        Raises:
            StoreError: the folder can't be created.
        """
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            raise StoreError(f"can't be made or used as a folder: {e.strerror}", str(self.state_dir)) from e
