"""Writes a CSV file for another system, with a template from `office.toml`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.interfaces.marks import StatedMark, stated_marks
from edge_daemon_office.interfaces.settings import CsvTemplate
from edge_daemon_office.registers.models import Lesson, Student
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.whole_file import refuse_special

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of a text that spreadsheets take for a formula; such a text gets an apostrophe."""


def write_csv(school: School, template: CsvTemplate, first: date, last: date, target: Path) -> int:
    """Write the marks of a period, as a whole or not at all; return the number of rows.

    Raises:
        OfficeError: the file can't be written, or a name has a character that the encoding lacks.
    """
    use_school(school.school)
    headings = [heading for heading, _ in template.columns]
    return write_whole(target, template.encoding, template.delimiter, headings, _rows(school, template, first, last))


def write_whole(
    target: Path, encoding: str, delimiter: str, headings: Sequence[str], rows: Iterable[Sequence[str]]
) -> int:
    """Write a CSV file for its owner alone, as a whole or not at all; return the number of rows.

    Raises:
        OfficeError: the file can't be written, or a cell has a character that the encoding lacks.
    """
    half, count = target.with_name(f".{target.name}.half"), 0
    try:
        refuse_special(target)
        half.touch(mode=0o600)
        with half.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
            writer.writerow(headings)
            for row in rows:
                writer.writerow(row)
                count += 1
        half.replace(target)
    except UnicodeEncodeError as error:
        half.unlink(missing_ok=True)
        hint = "choose utf-8 in the template"
        raise OfficeError(f"a cell can't be written in {encoding}", str(target), hint) from error
    except OSError as error:
        half.unlink(missing_ok=True)
        raise OfficeError(
            f"can't be written: {error.strerror}", str(target), "check the path and its rights"
        ) from error
    return count


def _rows(school: School, template: CsvTemplate, first: date, last: date) -> Iterator[list[str]]:
    names = dict(Student.objects.filter(school=school.school).values_list("student_id", "name"))
    lessons = {
        lesson_id: (end, device)
        for lesson_id, end, device in Lesson.objects.filter(
            school=school.school, day__gte=first, day__lte=last
        ).values_list("lesson_id", "end", "device")
    }
    for one in stated_marks(school.school, first, last):
        if one.state not in template.skip:
            cells = _cells(school, template, one, names, lessons)
            yield [cells[name] for _, name in template.columns]


def _cells(
    school: School,
    template: CsvTemplate,
    one: StatedMark,
    names: dict[str, str],
    lessons: dict[str, tuple[datetime, str]],
) -> dict[str, str]:
    mark = one.mark
    end, device = lessons[mark.lesson_id]
    return {
        "student_id": safe(mark.student_id),
        "name": safe(names.get(mark.student_id, "")),
        "course": safe(mark.course),
        "room": safe(device),
        "day": mark.day.strftime(template.date_format),
        "start": mark.start.astimezone(school.zone).strftime(template.time_format),
        "end": end.astimezone(school.zone).strftime(template.time_format),
        "lesson_id": mark.lesson_id,
        "word": template.words[one.state],
        "standing": mark.standing,
        "verdict": mark.verdict,
        "flags": mark.flags,
        "share_percent": f"{100 * mark.share:.0f}",
        "excuse_code": one.excuse_code,
    }


def safe(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
