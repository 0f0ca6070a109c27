"""A room with three students, their lessons, mails, contacts and backups; the photographs are drawn."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge_daemon.app.erasure.removal import finish_erasures
from edge_daemon.app.notices.sealed_contacts import publish_contacts, read_contacts
from edge_daemon.app.upkeep.maintenance import back_up
from edge_daemon.device.key_slots import KeySlots
from edge_daemon.device.secrets import device_key
from edge_daemon.gallery.templates import GalleryStore
from edge_daemon.home import Home
from edge_daemon.store import lessons
from edge_daemon.store.contacts import contact_rows
from edge_daemon.store.database import open_gallery, open_register
from tests.gallery.fakes import EMBEDDER
from tests.gallery.school import School
from tests.gallery.sightings import put_sightings

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=timezone.utc)
LATER = NOW + timedelta(days=1)


class Room:
    """An installation in a folder, with a school's files beside it."""

    def __init__(self, folder: Path, office: Path) -> None:
        self.home, self.school = Home(folder), School(office)
        self.home.ensure_state_dir()
        self.school.write_roster(S1="yes", S2="yes", S3="no")
        self.school.photograph("S1", 1)
        self.school.photograph("S2", 2)

    def enrol(self, *, sighted: bool = True) -> None:
        key = device_key(self.home.key_path)
        db = open_gallery(self.home.gallery_db_path)
        with closing(db.conn):
            self.school.enrol(GalleryStore(db, key))
        register_db = open_register(self.home.register_db_path)
        with closing(register_db.conn):
            if sighted:
                put_sightings(register_db, "lesson", NOW, "S1", "S2")
        finish_erasures(self.home, NOW, upgrade=True)
        publish_contacts(self.home)
        back_up(self.home, NOW)

    def gallery(self) -> GalleryStore:
        return GalleryStore(open_gallery(self.home.gallery_db_path), device_key(self.home.key_path, create=False))

    def enrolled(self) -> dict[str, str]:
        """Return the names of all students, each read with its key."""
        store = self.gallery()
        with closing(store.db.conn):
            return {record.student.student_id: record.student.name for record in store.records()}

    def recognised(self) -> list[str]:
        """Return the students with templates that open."""
        store = self.gallery()
        with closing(store.db.conn):
            return [one.student_id for one in store.templates(EMBEDDER)]

    def sighted(self) -> set[str | None]:
        db = open_register(self.home.register_db_path)
        with closing(db.conn):
            return {one.student_id for one in lessons.sightings(db, "lesson")}

    def contacts(self) -> dict[str, str]:
        db = open_register(self.home.register_db_path)
        with closing(db.conn):
            return {one.student_id: one.name for one in read_contacts(self.home, db).values()}

    def sealed_contact(self, student_id: str) -> bytes:
        db = open_register(self.home.register_db_path)
        with closing(db.conn):
            return next(row.sealed for row in contact_rows(db) if row.student_id == student_id)

    def slots(self) -> dict[str, list[int]]:
        """Return the generations of slot keys in each file."""
        paths = (self.home.gallery_slots_path, self.home.contact_slots_path)
        return {path.name: [one.generation for one in KeySlots(path).keys()] for path in paths}  # noqa: SIM118

    def copied_to(self, folder: Path) -> Room:
        """Return a copy of the room in another folder."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.home.state_dir, folder)
        other = object.__new__(Room)
        other.home, other.school = Home(folder), self.school
        return other
