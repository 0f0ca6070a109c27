"""Backs up what can't be rebuilt from the tree, in one file: settings, keys, accounts, decisions, excuses.

A ZIP file with the office's own files and `tables.json`. It holds password hashes and the office's secrets: keep it as
safe as the office itself.
"""

from __future__ import annotations

import json
import os
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from edge_daemon_office import __version__
from edge_daemon_office.errors import OfficeError
from edge_daemon_office.home import SETTINGS, OfficeHome
from edge_daemon_office.shared.whole_file import refuse_special

_TABLES: Final = "tables.json"
_FORM: Final = 1
FILES: Final = (SETTINGS, "secret-key", "office-key")
"""Files of the office's folder that a backup contains; missing ones are left out."""


def write_backup(home: OfficeHome, target: Path) -> dict[str, int]:
    """Write the file, as a whole or not at all; return the number of rows by table.

    Raises:
        OfficeError: the file can't be written.
    """
    tables = _dump(home)
    text = json.dumps({"form": _FORM, "release": __version__, "tables": tables}, default=_plain, ensure_ascii=False)
    half = target.with_name(f".{target.name}.half")
    try:
        refuse_special(target)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(_TABLES, text)
                for path in _files(home):
                    archive.write(path, f"files/{path.name}")
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise OfficeError(
            f"can't be written: {error.strerror}", str(target), "check the path and its rights"
        ) from error
    return {name: len(rows) for name, rows in tables.items()}


def unpack_files(source: Path, folder: Path) -> None:
    """Write the files of a backup to a folder that contains no office yet.

    Raises:
        OfficeError: the backup can't be read, or the folder contains an office already.
    """
    if (folder / SETTINGS).exists():
        raise OfficeError("is an office already", str(folder), "name an empty folder with --home")
    with _opened(source) as archive:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in sorted(archive.namelist(), reverse=True):
            base = name.removeprefix("files/")
            if name != _TABLES and base == Path(base).name and not base.startswith("."):
                path = folder / base
                path.touch(mode=0o600)
                path.write_bytes(archive.read(name))


def restore_tables(source: Path) -> dict[str, int]:
    """Fill the empty tables of accounts and decisions from a backup; return the number of rows by table.

    Raises:
        OfficeError: the backup can't be read, has a later format, or a table is not empty.
    """
    from django.db import transaction

    from edge_daemon_office.scope import use_school

    with _opened(source) as archive:
        try:
            top = json.loads(archive.read(_TABLES))
        except (KeyError, ValueError) as error:
            raise OfficeError("is not a backup of an office", str(source), "name a file that `backup` wrote") from error
    if top.get("form") != _FORM:
        raise OfficeError("was written by a later release", str(source), "install that release")
    count = {}
    with transaction.atomic():
        for name, model in _models().items():
            if model.objects.exists():
                raise OfficeError(f"has rows in {name} already", "the database", "restore into a new office")
            rows = [model(**_typed(model, row)) for row in top["tables"].get(name, [])]
            for school in {getattr(row, "school", "") for row in rows}:
                use_school(school)
                mine = [row for row in rows if getattr(row, "school", "") == school]
                model.objects.bulk_create(mine, batch_size=500)
            count[name] = len(rows)
    return count


def _models() -> dict[str, Any]:
    from edge_daemon_office.decisions.models import Decision, Excuse, Publication
    from edge_daemon_office.interfaces.models import ApiToken, CourseSection, EdFiEvent
    from edge_daemon_office.people.models import Account, Activity, TaughtCourse, ToldAlert

    models = (
        *(Account, TaughtCourse, ToldAlert, Activity, Decision, Excuse, Publication),
        *(ApiToken, EdFiEvent, CourseSection),
    )
    return {model.__name__: model for model in models}


def _dump(home: OfficeHome) -> dict[str, list[dict[str, Any]]]:
    from django.db import transaction

    from edge_daemon_office.scope import use_school

    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _models()}
    with transaction.atomic():  # one moment for all tables
        for school in home.schools:
            use_school(school)
            for name, model in _models().items():
                about = {"school": school} if hasattr(model, "school") else {"account__school": school}
                found[name] += model.objects.filter(**about).values()
    return found


def _typed(model: Any, row: dict[str, Any]) -> dict[str, Any]:
    return {one.attname: one.to_python(row[one.attname]) for one in model._meta.concrete_fields if one.attname in row}


def _files(home: OfficeHome) -> list[Path]:
    names = [home.folder / name for name in FILES]
    for school in home.schools.values():
        names += [school.keys, school.roster]
    return [path for path in dict.fromkeys(names) if path.is_file() and path.parent == home.folder]


def _plain(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise OfficeError(f"can't be read: {error}", str(source), "name a file that `backup` wrote") from error
