"""Reads the list of rooms, one line for each device, and reports all problems at once, each with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from provisioning import checks, quotes, settings, timetables

REQUIRED = ("room", "device", "time_zone", "timetable")
FILES = ("timetable", "holidays", "upstream_token_file", "upstream_ca_file", "mail_password_file")
WIFI = ("wifi_ssid", "wifi_password", "wifi_country", "wifi_security", "wifi_hidden")
OTHERS = ("network", "rtc", "watchdog")
COLUMNS = (*REQUIRED, *FILES[1:], *WIFI, *OTHERS, *settings.SHORT)
FROM_SERVER = "upstream"
"""Value in place of a timetable's file: the device fetches it (docs/PULL.md)."""
_NOT_UTF_8 = "is not UTF-8 text: save the list as “CSV UTF-8”"
MAX_FILE_BYTES = 10 * 2**20
MAX_SECRET_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in the list."""

    line: int
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class Wifi:
    """The wireless network of a device."""

    ssid: str
    password: str
    country: str
    security: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Room:
    """One device and the data for its card."""

    line: int
    room: str
    device: str
    network: str
    wifi: Wifi | None
    rtc: str
    watchdog: bool
    settings: Mapping[tuple[str, str], settings.Value]
    files: Mapping[str, bytes]
    """Content of each file without secrets, by its name on the card."""
    secrets: Mapping[str, bytes]
    """Content of each token or password, by its name on the card."""


@dataclass(slots=True)
class _Row:
    """A line of the list while it is checked."""

    line: int
    cells: Mapping[str, str]
    folder: Path
    problems: list[Problem] = field(default_factory=list)

    def get(self, column: str) -> str:
        return self.cells.get(column, "")

    def complain(self, column: str, what: str) -> None:
        self.problems.append(Problem(self.line, column, what))

    def read(self, column: str, name: str, limit: int) -> bytes:
        """Return the content of a file that a cell names; empty, with a complaint, if it can't be read."""
        path = self.folder / name
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except OSError as error:
            self.complain(column, f"{name} can't be read: {error.strerror}")
            return b""
        if not content.strip() or len(content) > limit:
            self.complain(column, f"{name} is {'empty' if not content.strip() else f'larger than {limit} bytes'}")
            return b""
        return content


def read_rooms(path: Path) -> tuple[list[Room], list[Problem]]:
    """Return the devices of a list, and its problems. If there are problems, the devices must not be used."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return [], [Problem(0, "", f"can't be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return [], [Problem(line, "", _NOT_UTF_8)]
    if "\0" in text:  # UTF-16
        return [], [Problem(text[: text.index("\0")].count("\n") + 1, "", _NOT_UTF_8)]
    rows, problems = _rows(text, path.parent)
    named = [row.get("timetable") for row in rows]
    shared = {name for name in named if named.count(name) > 1 and name != FROM_SERVER}
    rooms = [_room(row, row.get("timetable") in shared) for row in rows]
    _complain_of_doubles(rows)
    _complain_of_same_tokens(rows, rooms)
    problems += [problem for row in rows for problem in row.problems]
    return rooms, sorted(problems, key=lambda problem: problem.line)


def _rows(text: str, folder: Path) -> tuple[list[_Row], list[Problem]]:
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    names = [name.strip(' "\r').lower() for name in first.split(delimiter)]
    wrong = [
        Problem(line, names[cell] if line > 1 and cell < len(names) else "", what)
        for line, cell, what in quotes.problems(text, delimiter)
    ]
    if wrong:
        return [], wrong
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
    try:
        header = [name.strip().lower() for name in next(lines, (0, []))[1]]
        problems = list(_header_problems(header))
        if problems:
            return [], problems
        rows = []
        for line, cells in lines:
            row = _Row(line, {name: _cell(name, cell) for name, cell in zip(header, cells, strict=False)}, folder)
            if len(cells) != len(header):
                row.complain("", f"has {len(cells)} cells, the first line {len(header)}")
            rows.append(row)
    except csv.Error as error:
        return [], [Problem(reader.line_num, "", f"is not CSV: {error}")]
    return rows, [] if rows else [Problem(1, "", "has no device: add one line for each below the column names")]


def _cell(name: str, cell: str) -> str:
    """Return a cell without surrounding blanks, except in a network's name or password, where they may be intended."""
    return cell if name in ("wifi_ssid", "wifi_password") else cell.strip()


def _header_problems(header: Sequence[str]) -> Iterator[Problem]:
    if not header:
        yield Problem(1, "", f"is empty; it needs the columns {', '.join(REQUIRED)}")
        return
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield Problem(1, name, "is there twice")
    known = [*COLUMNS, *(f"{section}.{key}" for section, key in settings.KEYS)]
    for name in header:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            yield Problem(
                1, name or "(no name)", f"is not a column; {f'did you mean {near[0]}?' if near else 'take it out'}"
            )
    for name in REQUIRED:
        if name not in header:
            yield Problem(1, name, "is missing")


def _complain_of_doubles(rows: Sequence[_Row]) -> None:
    for column in ("room", "device"):
        seen: dict[str, int] = {}
        for row in rows:
            name = row.get(column).casefold()
            if name and name in seen:
                row.complain(column, f"“{row.get(column)}” is in line {seen[name]}, too; each has one device")
            seen.setdefault(name, row.line)


def _complain_of_same_tokens(rows: Sequence[_Row], rooms: Sequence[Room]) -> None:
    """Report a token that is used twice, because a stolen card must open only its own room at the server."""
    seen: dict[bytes, int] = {}
    for row, room in zip(rows, rooms, strict=True):
        token = room.secrets.get("upstream-token", b"").strip()
        if token and token in seen:
            row.complain("upstream_token_file", f"has the token of line {seen[token]}; each device needs its own")
        seen.setdefault(token, row.line)


def _room(row: _Row, timetable_is_shared: bool) -> Room:
    """Check a whole line; with complaints the result must not be used."""
    for column, cell in row.cells.items():
        if cell and not cell.isprintable():
            row.complain(column, "has a line break or a control character")
        elif not cell and column in REQUIRED:
            row.complain(column, "is empty")
    for column, check in checks.CELLS.items():
        problem = check(row.get(column)) if row.get(column) else ""
        if problem:
            row.complain(column, problem)
    network, wifi = _network(row)
    values, problems = settings.values(row.cells)
    for column, what in problems:
        row.complain(column, what)
    if values.get(("upstream", "kind")) == "webdav":
        values.setdefault(("upstream", "username"), row.get("device"))  # a user for each device: docs/UPSTREAM.md
    files = _files(row, values, timetable_is_shared)
    secrets = _secrets(row, values)
    return Room(
        line=row.line,
        room=row.get("room"),
        device=row.get("device"),
        network=network,
        wifi=wifi,
        rtc=row.get("rtc"),
        watchdog=checks.is_yes(row.get("watchdog")),
        settings=values,
        files=files,
        secrets=secrets,
    )


def _network(row: _Row) -> tuple[str, Wifi | None]:
    ssid, network = row.get("wifi_ssid"), row.get("network") or ("wifi" if row.get("wifi_ssid") else "")
    if not network:
        row.complain("network", "say wifi (with wifi_ssid), wired or none")
    if network == "none" and not row.get("rtc"):
        row.complain("rtc", "a room without network needs a clock chip: ds3231, or pi5 for the Raspberry Pi 5's own")
    if network == "none" and row.get("upstream_url"):
        row.complain("upstream_url", "a room without network reaches no server: leave it empty")
    if network != "wifi":
        for column in WIFI:
            if row.get(column):
                row.complain(column, f"is not used: the network is {network or 'not given'}")
        return network, None
    for column in ("wifi_ssid", "wifi_country"):
        if not row.get(column):
            row.complain(column, "is empty")
    security = row.get("wifi_security") or "wpa2"
    problem = checks.password_problem(row.get("wifi_password"), security)
    if problem:
        row.complain("wifi_password", problem)
    country = row.get("wifi_country").upper()
    return network, Wifi(ssid, row.get("wifi_password"), country, security, checks.is_yes(row.get("wifi_hidden")))


def _files(row: _Row, values: dict[tuple[str, str], settings.Value], shared: bool) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if row.get("timetable") == FROM_SERVER:
        values["timetable", "files"] = [FROM_SERVER]
        if not row.get("upstream_url"):
            row.complain("timetable", "comes from the server: give upstream_url")
    elif row.get("timetable"):
        files["timetable.ics"] = row.read("timetable", row.get("timetable"), MAX_FILE_BYTES)
        values["timetable", "files"] = ["timetable.ics"]
        if files["timetable.ics"]:
            _filter(row, values, files["timetable.ics"], shared)
    holidays = [name.strip() for name in row.get("holidays").split("|") if name.strip()]
    for number, name in enumerate(holidays, 1):
        files[f"holidays-{number}.ics"] = row.read("holidays", name, MAX_FILE_BYTES)
    if holidays:
        values["timetable", "holidays"] = [f"holidays-{number}.ics" for number in range(1, len(holidays) + 1)]
    if row.get("upstream_ca_file"):
        files["upstream-ca.pem"] = row.read("upstream_ca_file", row.get("upstream_ca_file"), 2**20)
        values["upstream", "ca_file"] = "/etc/edge-daemon/upstream-ca.pem"
    return files


def _filter(row: _Row, values: dict[tuple[str, str], settings.Value], content: bytes, shared: bool) -> None:
    """Limit the device to the room's events, unless the calendar names no rooms and belongs to this room alone."""
    name, names_room = row.get("timetable"), ("timetable", "room") in values
    given = values.get(("timetable", "room"), row.get("room"))
    rooms = given if isinstance(given, list) else [str(given)]
    problem = timetables.problem(name, content, rooms, needed=names_room or shared)
    if problem:
        row.complain("timetable_room" if names_room else "timetable", problem)
    elif timetables.named(name, content):
        values["timetable", "room"] = rooms if len(rooms) > 1 else rooms[0]


def _secrets(row: _Row, values: dict[tuple[str, str], settings.Value]) -> dict[str, bytes]:
    secrets: dict[str, bytes] = {}
    for column, name, key in (
        ("upstream_token_file", "upstream-token", ("upstream", "token_file")),
        ("mail_password_file", "mail-password", ("mail", "password_file")),
    ):
        if row.get(column):
            content = row.read(column, row.get(column), MAX_SECRET_BYTES).strip()
            problem = checks.secret_problem(content) if content else ""
            if problem:
                row.complain(column, f"{row.get(column)} {problem}")
            secrets[name] = content + b"\n"
            values[key] = name
    return secrets
