"""The parsers of the fuzz command: one class for each, with undamaged inputs that the parser accepts.

Each class calls the program's function that receives such an input. A refusal is an `EdgeError`.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Protocol

import openpyxl

from edge_daemon.app.inbox.waiting import TIMETABLE, _check_timetable
from edge_daemon.errors import EdgeError
from edge_daemon.gallery.oneroster import read_student_names, read_students
from edge_daemon.gallery.pulled_roster import parse_pulled_roster
from edge_daemon.home import Home
from edge_daemon.lesson.timetable import load_timetable
from tests.gallery import test_oneroster as one
from tests.lesson.calendar_files import calendar, lesson
from tests.slow.calendar_variants import ROOM, variants
from tests.slow.fuzz_mutators import Files, mutated_bytes, mutated_zip, packed

TODAY = date(2026, 11, 21)
YEAR = (datetime(2026, 8, 1, tzinfo=timezone.utc), datetime(2027, 8, 1, tzinfo=timezone.utc))


class Parser(Protocol):
    """One parser."""

    seeds: Sequence[Files]
    """Inputs that are accepted."""

    def mutated(self, number: int, chance: random.Random) -> Files:
        """Return a damaged input, made out of a seed by its number."""

    def read(self, folder: Path) -> int:
        """Give the input in a folder to the parser.

        Returns:
            How much was read: students, lessons, documents, bytes.

        Raises:
            EdgeError: the input is refused.
        """

    def processes(self) -> Iterator[int]:
        """Yield the ids of further processes that work for the parser and stay."""


class _Parser:
    """What the parsers have in common: inputs of several seeds, of which one file is damaged."""

    words: Sequence[bytes] = ()
    seeds: Sequence[Files] = ()

    def mutated(self, number: int, chance: random.Random) -> Files:
        files = dict(self.seeds[number % len(self.seeds)])
        other = chance.choice(self.seeds)
        for name in chance.sample(sorted(files), chance.choice((1, 1, 1, min(2, len(files))))):
            files[name] = self.damaged(name, files[name], chance, other.get(name, b""))
        return files

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        del name
        return mutated_bytes(data, chance, self.words, other)

    def processes(self) -> Iterator[int]:
        yield from ()


class CalendarParser(_Parser):
    """Calendars: the check that sync makes, and the lessons of a year."""

    words = (
        *(b"BEGIN:VEVENT", b"END:VEVENT", b"END:VCALENDAR", b"BEGIN:VTIMEZONE", b"DTSTART:20260914T080000Z"),
        *(
            b"\r\nRRULE:FREQ=DAILY",
            b"\r\nRRULE:FREQ=SECONDLY",
            b"\r\nRRULE:FREQ=YEARLY;BYYEARDAY=366",
            b"EXDATE:",
            b"RDATE:",
        ),
        *(b"INTERVAL=", b"COUNT=", b"UNTIL=", b"BYDAY=MO,TU,WE,TH,FR", b"BYSETPOS=-1", b"BYMONTH=2;BYMONTHDAY=30"),
        *(
            b";TZID=Europe/Berlin",
            b";VALUE=DATE",
            b"\r\nDURATION:PT45M",
            b"\r\nDURATION:-P1W",
            b"P9999999D",
            b"99991231T235959",
        ),
        *(
            b"00010101T000000",
            b"\r\nRECURRENCE-ID:20260914T060000Z",
            b"\r\n ",
            b"TZOFFSETTO:+9999",
            b"TRANSP:TRANSPARENT",
        ),
    )

    def __init__(self) -> None:
        first = {one.construct: one.text for one in variants() if len(one.text) < 50_000 and one.lessons}
        daily = lesson("20260914T080000", "RRULE:FREQ=DAILY;COUNT=200", location=ROOM)
        texts = [calendar(daily, lesson("20260915T100000", uid="u2", location=ROOM)), *first.values()]
        self.seeds = [{TIMETABLE: text} for text in texts]

    def read(self, folder: Path) -> int:
        path = folder / TIMETABLE
        _check_timetable(path.read_bytes())
        read = load_timetable([path], ROOM, "box", "Europe/Berlin")
        return len(read.lessons(*YEAR)) + 0 * len(read.passed(*YEAR))


class RosterParser(_Parser):
    """Class lists: CSV of any form and workbooks, as imported by hand, and the strict form from the office's server."""

    words = (
        *(b"student_id", b"name,email", b"consent", b"yes", b"ja", b";", b"\t", b'"a\r\nb"', b"a@b.example"),
        *(
            b"<row>",
            b"<c t='s'>",
            b"<v>1e400</v>",
            b"<v>99999999</v>",
            b"</row>",
            b"r='XFD1048576'",
            b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        ),
    )

    def __init__(self) -> None:
        rows = [
            (f"2026{n:03d}", f"Name {n} Ünal", f"s{n}@x.example", f"p{n}@x.example", "yes" if n % 3 else "no", "7b")
            for n in range(30)
        ]
        head = ("student_id", "name", "email", "guardian_email", "consent", "courses")
        german = ("Schüler-ID", "Name", "E-Mail", "Eltern-E-Mail", "Einwilligung", "Klasse")
        plain = "".join(",".join(row) + "\r\n" for row in (head, *rows))
        semicolons = "".join(";".join(row) + "\r\n" for row in (german, *rows))
        book = openpyxl.Workbook()
        for row in (german, *rows):
            book.active.append(row)
        self.seeds = [
            {"roster.csv": plain.encode()},
            {"roster.csv": semicolons.encode("cp1252")},
            {"roster.csv": plain.encode("utf-16")},
            {"roster.xlsx": _without_time(book)},
        ]

    def damaged(self, name: str, data: bytes, chance: random.Random, other: bytes) -> bytes:
        if name.endswith(".xlsx") and chance.random() < 0.8:
            return mutated_zip(data, chance, self.words)
        return super().damaged(name, data, chance, other)

    def read(self, folder: Path) -> int:
        (path,) = folder.iterdir()
        with_pulled: list[Callable[[], object]] = []
        if path.suffix == ".csv":
            with_pulled = [lambda: parse_pulled_roster(path.read_bytes())]
        return _first_read(lambda: len(read_students(path, TODAY).rows), lambda: read_student_names(path), *with_pulled)


class OneRosterParser(_Parser):
    """Folders of OneRoster files."""

    words = (
        *(b"sourcedId", b"status", b"tobedeleted", b"active", b"student", b"guardian", b"2026-06-10", b"06/10/2026"),
        *(b"2026-06-10T00:00:00.000Z", b"99999-01-01", b'","', b"bulk", b"delta", b"yes", b"s1", b"c1"),
    )

    def __init__(self) -> None:
        def lines(header: str, *records: str) -> bytes:
            return "\r\n".join([header, *records, ""]).encode()

        ids = [f"s{n}" for n in range(20)]
        users = (
            [
                one.record(
                    one.USERS,
                    sourcedId=i,
                    givenName="Al",
                    familyName="Ash",
                    email=f"{i}@x.org",
                    agentSourcedIds="g1",
                    role="student",
                )
                for i in ids
            ]
            if "role" in one.USERS.split(",")
            else [
                one.record(
                    one.USERS, sourcedId=i, givenName="Al", familyName="Ash", email=f"{i}@x.org", agentSourcedIds="g1"
                )
                for i in ids
            ]
        )
        users.append(one.record(one.USERS, sourcedId="g1", givenName="Gu", familyName="Ash", email="g@x.org"))
        dates = {"beginDate": "2026-08-01", "endDate": "2027-07-31"}
        enrolled = [
            one.record(one.ENROLLMENTS, userSourcedId=i, classSourcedId="c1", role="student", **dates) for i in ids
        ]
        files = {
            "users.csv": lines(one.USERS, *users),
            "enrollments.csv": lines(one.ENROLLMENTS, *enrolled),
            "classes.csv": lines(one.CLASSES, one.record(one.CLASSES, sourcedId="c1", title="Maths", classCode="M7")),
            "roles.csv": lines(
                one.ROLES, one.record(one.ROLES, userSourcedId="g1", role="guardian", roleType="primary")
            ),
            "consent.csv": lines("sourcedId,consent", *(f"{i},yes" for i in ids)),
        }
        names = ("users", "enrollments", "classes", "roles")
        manifest = lines(
            "propertyName,value", "manifest.version,1.0", "oneroster.version,1.2", *(f"file.{n},bulk" for n in names)
        )
        self.seeds = [files, {**files, "manifest.csv": manifest}]

    def read(self, folder: Path) -> int:
        return _first_read(lambda: len(read_students(folder, TODAY).rows), lambda: read_student_names(folder))


class ConfigurationParser(_Parser):
    """config.toml: every key of the example, and the settings of a card."""

    words = (
        b"[mail]",
        b"[camera]",
        b"[timetable]",
        b"= [",
        b'"""',
        b"'''",
        b"1979-05-27T07:32:00Z",
        b"0x",
        b"nan",
        b"inf",
        b"\\u0000",
    )

    def __init__(self) -> None:
        example = Path("docs/config.example.toml").read_text(encoding="utf-8").splitlines()
        whole = [line.removeprefix("# ") if " = " in line else line for line in example]
        some = ["[device]", 'name = "room 204"', 'time_zone = "Asia/Jakarta"', "[timetable]", 'files = ["a.ics"]']
        self.seeds = [{"config.toml": "\n".join(lines).encode()} for lines in (whole, some)]

    def read(self, folder: Path) -> int:
        return len(Home(folder).config.device.name)


def _without_time(book: openpyxl.Workbook) -> bytes:
    """Return a workbook as bytes that do not say when it was saved."""
    saved = io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    about = "docProps/core.xml"
    parts[about] = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2026-11-21T08:00:00Z", parts[about])
    return packed(parts.items())


def _first_read(first: Callable[[], int], *more: Callable[[], object]) -> int:
    """Call all functions, even if one refuses the input; return the result of `first`, or raise its error."""
    for call in more:
        try:
            call()
        except EdgeError:
            continue
    return first()
