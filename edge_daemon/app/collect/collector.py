"""The whole of `collect`: opens the source of the documents, makes the two passes, and returns the outcome."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_daemon import __version__
from edge_daemon.app.collect.document_tree import DocumentProblem
from edge_daemon.app.collect.proof_index import ProofIndex
from edge_daemon.app.collect.room_documents import RoomReader
from edge_daemon.app.collect.spill import Spill
from edge_daemon.app.collect.term_file import (
    CollectResult,
    TermRequest,
    check_output,
    read_all,
    room_row,
)
from edge_daemon.attendance.csv_form import CsvForm, form_of
from edge_daemon.attendance.sheets import By, Split
from edge_daemon.attendance.week import ISO_WEEK, SchoolWeek
from edge_daemon.config import UpstreamConfig, local_zone
from edge_daemon.errors import DeliveryError

LEFT_OUT: Final = 3
"""Exit code: the file is written, but something was left out."""

Bars = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Makes a progress bar with a label, for a `with` block; its function gets the number done and the total."""


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """The options of `collect`."""

    source: str
    """A folder, or the server's address."""
    output: Path
    since: datetime | None
    """Only lessons from this day on are collected (a time without time zone); None for all lessons."""
    keys: Path | None
    names: Path | None
    by: By
    time_zone: str | None
    keep: Path | None
    server: UpstreamConfig
    """How to log in at an address."""
    week: SchoolWeek = ISO_WEEK
    split: Split = "none"
    """Whether each class or each room gets sheets of its own."""
    locale: str | None = None
    """Language of the program that opens a CSV file; None for commas between cells and a decimal point."""


@dataclass(frozen=True, slots=True)
class CollectOutcome:
    """The outcome of `collect`."""

    result: CollectResult
    is_pinned: bool
    """True if the keys come from the office's own list."""
    is_unchanged: bool
    """True if nothing is new, so that the file stays as the last run wrote it."""
    late: list[DocumentProblem] = field(default_factory=list)
    """Problems found only while the file was written; `result` contains them, too."""

    @property
    def exit_code(self) -> int:
        """0, or LEFT_OUT if a document was left out."""
        return LEFT_OUT if any(one.is_left_out for one in self.result.problems) else 0


class NoRegisterFoundError(DeliveryError):
    """There is no register, or none that counts.

    Args:
        source: the folder or address that was read.
        problems: what was left out.
        is_from_a_day: True if only lessons from a day on were requested.
    """

    def __init__(self, source: str, problems: list[DocumentProblem], *, is_from_a_day: bool) -> None:
        if any(one.is_left_out for one in problems):
            super().__init__("has no register that can be trusted", source, "see what was left out, and --keys")
        elif is_from_a_day:
            super().__init__("has no register of that day or later", f"{source}, --since", "try it without --since")
        else:
            hint = "a rehearsal comes only by `rehearse --deliver`; see `outbox list` on the devices"
            super().__init__("no device has delivered a register there yet", source, hint)
        self.problems = problems


def collect_term(options: CollectOptions, bars: Bars) -> CollectOutcome:
    """Read the documents, verify their signatures, and write the term.

    Raises:
        NoRegisterFoundError: no register counts; nothing was written.
        EdgeError: the options, the folder or the server can't be used; nothing was written.
    """
    check_output(options.output)
    zone, form = _zone(options.time_zone), form_of(options.locale) if options.locale else CsvForm()
    pinned, names = _lists(options)
    start = options.since.replace(tzinfo=zone).astimezone(timezone.utc) if options.since else None
    with ProofIndex(options.keep) as index, Spill() as spill, _folder(options, index, bars) as (folder, missing):
        now = datetime.now(timezone.utc)
        request = TermRequest(folder, pinned, names, start, zone, options.by, now, options.week, options.split, form)
        reader = RoomReader(pinned, start, index, spill)
        with bars("reading rooms") as show:
            collected = read_all(request, reader, show)
        collected.problems += missing
        if not collected.registers:
            raise NoRegisterFoundError(options.source, collected.problems, is_from_a_day=start is not None)
        written, content = f"written {options.output.resolve()}", _content(request, collected)
        if index.word(written) == f"{content} {_stamp(options.output)}":
            return CollectOutcome(collected, pinned is not None, is_unchanged=True)
        from edge_daemon.app.collect.term_writer import write_term  # loads spreadsheets, which only a new term needs

        known = len(collected.problems)
        with bars("writing") as show:
            write_term(options.output, request, collected, show)
        index.keep_word(written, f"{content} {_stamp(options.output)}")
        return CollectOutcome(collected, pinned is not None, is_unchanged=False, late=collected.problems[known:])


def _lists(options: CollectOptions) -> tuple[Mapping[str, frozenset[str]] | None, Mapping[str, str]]:
    """Return the office's lists: keys by device (None without a list), and names by student id."""
    if options.keys is None and options.names is None:
        return None, {}
    from edge_daemon.app.collect.trusted_keys import read_keys, read_names  # loads the reader of rosters

    pinned = read_keys(options.keys) if options.keys else None
    return pinned, read_names(options.names) if options.names else {}


def _content(request: TermRequest, collected: CollectResult) -> str:
    """Return a digest of the content of the term's file, apart from the time of collection."""
    parts: list[object] = [__version__, request.by, str(request.zone), str(request.since), _sha256(request.names)]
    parts += [request.week.first_weekday, sorted(request.week.weekend), request.split, request.form.delimiter]
    parts += [request.form.decimal]
    parts += [_sha256({device: sorted(keys) for device, keys in (request.pinned or {}).items()})]
    parts += [(room_row(one, request), one.room.summary.sha256) for one in collected.judgements]
    parts += [(one.where, one.what) for one in collected.problems]
    return _sha256(parts)


def _sha256(value: object) -> str:
    plain = dict(value) if isinstance(value, Mapping) else value
    return hashlib.sha256(json.dumps(plain, default=str).encode("ascii")).hexdigest()


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size}"


def _zone(name: str | None) -> ZoneInfo:
    if name is None and os.name == "nt":
        raise DeliveryError("is needed on Windows", "--time-zone", "give it, such as Europe/Berlin")
    try:
        return ZoneInfo(name or local_zone())
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError) as error:
        hint = "use a name such as Europe/Berlin; on Windows install tzdata"
        raise DeliveryError("is not a time zone", f"--time-zone {name or local_zone()}", hint) from error


@contextmanager
def _folder(options: CollectOptions, index: ProofIndex, bars: Bars) -> Iterator[tuple[Path, list[DocumentProblem]]]:
    """Yield the folder with the documents, and problems with those that could not be fetched."""
    if "://" not in options.source:
        yield Path(options.source), []
        return
    from edge_daemon.app.collect.download import download  # loads `requests` slowly, and a folder does not need it

    with tempfile.TemporaryDirectory(prefix="edge-daemon-collect-") as folder:
        target = options.keep or Path(folder)
        with bars("downloading") as show:
            yield target, download(options.server, target, index, show)
