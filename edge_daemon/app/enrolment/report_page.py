"""A local page for each import: accepted and refused photographs of each student, with reasons but no picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from edge_daemon.errors import StoreError
from edge_daemon.gallery.roster import Roster
from edge_daemon.home import Home
from edge_daemon.whole_file import replace_file

if TYPE_CHECKING:
    from edge_daemon.gallery.enrol_report import EnrolReport

_NAME: Final = "enrolment-report"
_STYLE: Final = (
    "body{font:16px sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em .6em;"
    "text-align:left;vertical-align:top}.no{background:#fdd}"
)


def page_path(home: Home) -> Path:
    """Return the path of the last import's page."""
    return home.state_dir / f"{_NAME}.html"


def put_page_away(home: Home, *, keep: bool) -> None:
    """Remove the page of the last import. With `keep`, only rename it, to a name with the time at which it was made.

    Raises:
        StoreError: the page can't be removed.
    """
    path = page_path(home)
    try:
        if not keep:
            path.unlink(missing_ok=True)
        elif path.exists():
            made = datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo(home.config.device.time_zone))
            path.replace(path.with_name(f"{_NAME}-{made:%Y%m%d-%H%M%S}.html"))
    except OSError as error:
        raise StoreError(f"can't be moved aside: {error.strerror}", str(path), "check its owner") from error


def write_page(home: Home, roster: Roster, report: EnrolReport, at: datetime) -> Path:
    """Write the page, readable by this user only.

    Args:
        home: the installation; the page goes to its state folder.
        roster: names of students, and rows that were left out.
        report: the report of the import.
        at: the time of the import, with a time zone.

    Raises:
        StoreError: the page can't be written.
    """
    path = page_path(home)
    page = _page(roster, report, at.astimezone(ZoneInfo(home.config.device.time_zone)))
    try:
        replace_file(path, page.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StoreError(f"the page of the import can't be written: {error.strerror}", str(path)) from error
    return path


def _page(roster: Roster, report: EnrolReport, at: datetime) -> str:
    taken: dict[str, list[str]] = {}
    for student_id, photograph in report.taken:
        taken.setdefault(student_id, []).append(photograph)
    refused: dict[str, list[str]] = {}
    for one in report.refused:
        refused.setdefault(one.student_id, []).append(": ".join(filter(None, (one.photograph, one.reason))))
    rows = []
    for row in roster.rows:
        student_id = row.student.student_id
        state = _state(student_id, report)
        cells = (student_id, row.student.name, state)
        lists = (taken.get(student_id, ()), refused.get(student_id, ()))
        mark = "" if state == "can be recognised" else ' class="no"'
        text = "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "".join(
            f"<td>{_list(one)}</td>" for one in lists
        )
        rows.append(f"<tr{mark}>{text}</tr>")
    head = "".join(f"<th>{word}</th>" for word in ("student", "name", "", "accepted", "not accepted, and why"))
    rest = [str(remark) for remark in (*roster.left_out, *roster.remarks)]
    rest += [f"{one.name}: {one.reason}" for one in report.unmatched]
    rest += [f"{folder}: photographs of no student on this roster" for folder in report.unclaimed]
    rest += [f"{twin.a} and {twin.b}: {twin.reason}" for twin in report.twins]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Enrolment</title><style>{_STYLE}</style>"
        f"</head><body><h1>Enrolment of {at:%Y-%m-%d %H:%M}</h1>"
        f"<p>{len(roster.rows)} students, {report.accepted} photographs accepted, {len(report.refused)} not. "
        "The next import removes this page.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<h2>The list and the folder</h2>{_list(rest) or '<p>Nothing to look at.</p>'}</body></html>\n"
    )


def _state(student_id: str, report: EnrolReport) -> str:
    if student_id in report.removed_before:
        return "was removed: not enrolled"
    if student_id in report.without_consent:
        return "no consent: not assessed"
    if student_id in report.without_template:
        return "no usable photograph: by hand"
    return "can be recognised"


def _list(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""
