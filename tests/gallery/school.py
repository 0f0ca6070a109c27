"""A small school on disk, and its import."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from edge_daemon.gallery.enrol_report import EnrolReport
from edge_daemon.gallery.roster import read_roster
from edge_daemon.gallery.roster_import import import_roster
from edge_daemon.gallery.templates import GalleryStore
from tests.gallery.fakes import EMBEDDER, FakeReader, photographs, picture, save

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=timezone.utc)
HEADER = "student_id,name,email,guardian_email,consent,locker\n"


class School:
    """Roster and photographs of an office."""

    def __init__(self, folder: Path) -> None:
        self.roster, self.photos = folder / "roster.csv", folder / "photos"
        self.photos.mkdir(parents=True)

    def write_roster(self, **consents: str) -> None:
        rows = (
            f"{i},Name of {i},{i}@school.example,parent-{i}@home.example,{yes},locker-{i}\n"
            for i, yes in consents.items()
        )
        self.roster.write_text(HEADER + "".join(rows))

    def photograph(self, student_id: str, person: int, shot: int = 0, **more: int) -> Path:
        return save(self.photos / student_id / f"{shot}.png", picture(person, shot, **more))

    def enrol(
        self, store: GalleryStore, *, reader: FakeReader | None = None, photos: bool = True, whole: bool = False, **more
    ) -> EnrolReport:
        embedder = more.pop("embedder", EMBEDDER)
        found = replace(photographs(self.photos, reader), is_complete=whole, embedder=embedder)
        given = found if photos else None
        return import_roster(read_roster(self.roster).rows, given, store, more.pop("now", NOW), **more)
