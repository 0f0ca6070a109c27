"""Lessons and marks as Parquet files, a folder for each school and month, for DuckDB, Spark or Trino.

DIR/marks/school=north/month=202611/part.parquet: these tools read folder names as columns (Hive partitions).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.db.models import Model

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import School
from edge_daemon_office.registers.models import Lesson, Mark
from edge_daemon_office.scope import use_school

_GROUP: Final = 50_000
"""Rows of a row group, which is the part in memory at a time."""
_COLUMNS: Final[dict[type[Model], tuple[str, ...]]] = {
    Lesson: (
        *("lesson_id", "device", "course", "start", "end", "day", "origin", "revision", "sha256", "clock"),
        *("captures_planned", "captures_taken", "rule_share", "register_flags", "held", "awaits", "is_counted"),
        *("present", "absent", "to_confirm", "not_assessed"),
    ),
    Mark: (
        *("lesson_id", "student_id", "course", "day", "start", "verdict", "standing", "flags", "share"),
        *("captures_seen", "captures_facing", "is_counted"),
    ),
}


@dataclass(slots=True)
class ParquetCount:
    """The number of rows and files written."""

    months: int = 0
    lessons: int = 0
    marks: int = 0


def write_parquet(school: School, target: Path, first: date | None = None, last: date | None = None) -> ParquetCount:
    """Rewrite the months of a school that touch the period from `first` to `last`; None: no limit on that side.

    Raises:
        OfficeError: pyarrow is not installed, or the folder can't be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = "pip install './edge_daemon_office[parquet]'"
        raise OfficeError("needs pyarrow, which is not installed", "export --parquet", hint) from error
    use_school(school.school)
    months = Lesson.objects.filter(school=school.school).order_by("month").values_list("month", flat=True).distinct()
    count = ParquetCount()
    for month in months:
        if (first and month < first.year * 100 + first.month) or (last and month > last.year * 100 + last.month):
            continue
        count.months += 1
        for name, model in (("lessons", Lesson), ("marks", Mark)):
            folder = target / name / f"school={school.school}" / f"month={month}"
            try:
                written = _write(pyarrow, model, school.school, month, folder)
            except OSError as error:
                raise OfficeError(f"can't be written: {error.strerror}", str(folder), "check its rights") from error
            setattr(count, name, getattr(count, name) + written)
    return count


def _write(pyarrow: Any, model: type[Model], school: str, month: int, folder: Path) -> int:
    """Write one month of a table to `part.parquet` in a folder, as a whole or not at all; return the number of rows."""
    folder.mkdir(parents=True, exist_ok=True)
    half, names, count = folder / ".half.parquet", _COLUMNS[model], 0
    fields = [pyarrow.field(name, _kind(pyarrow, model._meta.get_field(name))) for name in names]
    schema = pyarrow.schema(fields)
    try:
        with pyarrow.parquet.ParquetWriter(str(half), schema, compression="zstd") as writer:
            for rows in _groups(model, school, month, names):
                columns = [
                    pyarrow.array(list(values), type=field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
                count += len(rows)
        half.replace(folder / "part.parquet")
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return count


def _groups(model: type[Model], school: str, month: int, names: tuple[str, ...]) -> Iterator[list[tuple[Any, ...]]]:
    rows = model.objects.filter(school=school, month=month).order_by("day", "pk")  # type: ignore[attr-defined]
    group: list[tuple[Any, ...]] = []
    for row in rows.values_list(*names).iterator(chunk_size=5000):
        group.append(row)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _kind(pyarrow: Any, field: Any) -> Any:
    kinds = {
        "DateTimeField": pyarrow.timestamp("us", tz="UTC"),
        "DateField": pyarrow.date32(),
        "IntegerField": pyarrow.int32(),
        "FloatField": pyarrow.float64(),
        "BooleanField": pyarrow.bool_(),
    }
    return kinds.get(field.get_internal_type(), pyarrow.string())
