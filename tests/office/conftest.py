"""One office for all tests of a process: Django is configured once, its tables are emptied for each test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_daemon_office.cli.opening import migrate
from edge_daemon_office.django_setup import set_up
from edge_daemon_office.home import OfficeHome, School, read_home

_FOLDER = Path(tempfile.mkdtemp(prefix="office-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_SETTINGS = '[office]\nhttps = false\nhosts = ["testserver"]\ntotp = "optional"\n[schools.north]\ntree = "tree"\n'


def _configure() -> OfficeHome:
    """Configure Django when the tests are collected: their modules import its models."""
    from django.conf import settings

    (_FOLDER / "office.toml").write_text(_SETTINGS, "utf-8")
    home = read_home(_FOLDER)
    set_up(home)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a slow one costs each test a second
    return home


_HOME = _configure()


@pytest.fixture(scope="session")
def django_office() -> OfficeHome:
    """Django with the tables of an office."""
    migrate()
    return _HOME


@pytest.fixture
def office(django_office, tmp_path) -> Iterator[OfficeHome]:
    """An office of two schools with empty tables; `settings.OFFICE` is it."""
    from django.apps import apps
    from django.conf import settings

    home = replace(
        django_office, schools={name: a_school(tmp_path / name, name) for name in ("north", "south")}, folder=tmp_path
    )
    settings.OFFICE = home
    yield home
    settings.OFFICE = django_office
    for model in reversed(list(apps.get_models())):
        model.objects.all().delete()


def a_school(folder: Path, name: str) -> School:
    (folder / "tree" / "v1" / "devices").mkdir(parents=True)
    return School(
        school=name,
        name=f"School {name.title()}",
        zone=ZoneInfo("Europe/Berlin"),
        tree=folder / "tree",
        keys=folder / "keys.csv",
        roster=folder / "roster.csv",
        limit_percent=85,
        excuse_codes={"illness": "Illness"},
        consecutive_days=3,
    )
