"""Finds the zones of time zone names that the IANA database lacks: of Windows, Outlook, Webex and other languages.

The names of Windows are in a table of icalendar, which is CLDR's windowsZones. Other names are derived from them by
rules, or from the cities in the IANA database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

_METAZONES: Final = {
    "Europe/Lisbon": "West-Europese Westeuropäische",
    "Europe/Berlin": "Midden-Europese Mitteleuropäische",
    "Europe/Helsinki": "Oost-Europese Osteuropäische",
}
_METAZONE_ENDS: Final = "Zeit Normalzeit Sommerzeit Standardzeit tijd standaardtijd zomertijd"
_ROMANCE: Final = {
    "Europe/Lisbon": "d’Europe de l’Ouest|de Europa occidental|dell’Europa occidentale",
    "Europe/Berlin": "d’Europe centrale|de Europa central|dell’Europa centrale",
    "Europe/Helsinki": "d’Europe de l’Est|de Europa oriental|dell’Europa orientale",
}
_ROMANCE_STARTS: Final = (
    ("heure", "heure normale", "heure d’été"),
    ("hora", "hora estándar", "hora de verano"),
    ("ora", "ora standard", "ora legale"),
)
"""How zone names begin in French, Spanish and Italian (CLDR 45): for the zone, its standard time, its summer time."""
_ENGLISH: Final = {
    "western european time": "Europe/Lisbon",
    "western european summer time": "Europe/Lisbon",
    "eastern european time": "Europe/Helsinki",
    "eastern european summer time": "Europe/Helsinki",
    "greenwich mean time": "Europe/London",
    "coordinated universal time": "UTC",
}
_CITIES: Final = {
    "rom": "Europe/Rome",
    "wien": "Europe/Vienna",
    "brüssel": "Europe/Brussels",
    "prag": "Europe/Prague",
    "kopenhagen": "Europe/Copenhagen",
    "warschau": "Europe/Warsaw",
    "lissabon": "Europe/Lisbon",
    "athen": "Europe/Athens",
    "bukarest": "Europe/Bucharest",
    "new delhi": "Asia/Kolkata",
    "wellington": "Pacific/Auckland",
    "brasilia": "America/Sao_Paulo",
    "osaka": "Asia/Tokyo",
}
"""Zones by city, for cities in Windows' names that the IANA database lacks or has in English only."""
_DISPLAY_NAME = re.compile(r"\((?:UTC|GMT)\s*(?:([+-])\s*([0-9]{1,2})(?:[:.]?([0-9]{2}))?)?\)\s*(.*)", re.IGNORECASE)
_MICROSOFT = re.compile(r"tzone://microsoft/", re.IGNORECASE)
_VERSION = re.compile(r" [0-9]{1,2}$")
"""The number that Outlook appends to a name if zones have the same name but different rules."""
_SEASON = re.compile(r" (?:standard |daylight |summer )?time$")


def iana_zone(name: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, ignoring case."""
    if not _is_plain(name):  # a name with a thousand parts would cost a thousand look-ups
        return None
    for spelled in (name, _iana_names().get(name.replace(" ", "_").casefold(), "")):
        try:
            if spelled:
                return ZoneInfo(spelled)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of the database
            continue
    return None


def windows_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a Windows name such as W. Europe Standard Time, ignoring case."""
    return iana_zone(_windows_names().get(name.casefold(), ""))


def described_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a name that is made for people to read; None if the zone is not certain.

    Such names are `W. Europe Standard Time 1`, `W. Europe Time` (Webex), `Mitteleuropäische Zeit`,
    `tzone://Microsoft/Utc` and `(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna`.
    """
    bare = _MICROSOFT.sub("", name)
    if display := _DISPLAY_NAME.fullmatch(bare):
        sign, hours, minutes, places = display.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        return next((zone for zone in _zones_of_places(places) if _standard_offset(zone) == offset), None)
    of_microsoft = iana_zone(bare) if bare != name else None
    return of_microsoft or _zone_of_words(_VERSION.sub("", bare))


def _zone_of_words(name: str) -> ZoneInfo | None:
    """Return the zone of a Windows name that lacks the word Standard, or of a name in another language."""
    folded = name.casefold().replace("'", "’")
    for known in (folded, _SEASON.sub(" standard time", folded)):
        if zone := windows_zone(known) or iana_zone(_translated().get(known, "")):
            return zone
    return None


def _zones_of_places(places: str) -> Iterator[ZoneInfo]:
    cities = _cities()
    for place in re.split(r"[,/;:]", re.sub(r"\([^)]*\)", "", places)):
        name = place.strip()
        zone = iana_zone(cities.get(name.casefold(), "")) or _zone_of_words(name)
        if zone:
            yield zone


def _standard_offset(zone: tzinfo) -> timedelta | None:
    """Return the current offset from UTC outside daylight saving time."""
    year = datetime.now().year  # noqa: DTZ005 - of any clock
    offsets = [datetime(year, month, 15, tzinfo=zone).utcoffset() for month in (1, 7)]
    return min((offset for offset in offsets if offset is not None), default=None)


def _is_plain(name: str) -> bool:
    """Return whether a name has the form of an IANA name. Others must not be looked up, because that opens files."""
    return bool(re.fullmatch(r"[A-Za-z0-9 _+/-]{1,60}", name))


@lru_cache(maxsize=1)
def _iana_names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@lru_cache(maxsize=1)
def _windows_names() -> dict[str, str]:
    return {name.casefold(): iana for name, iana in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    found = {name.rpartition("/")[2].replace("_", " ").casefold(): name for name in sorted(available_timezones())}
    return {**found, **_CITIES}


@lru_cache(maxsize=1)
def _translated() -> dict[str, str]:
    germanic = {
        f"{start} {end}".casefold(): iana
        for iana, starts in _METAZONES.items()
        for start in starts.split()
        for end in _METAZONE_ENDS.split()
    }
    romance = {
        f"{start} {name}".casefold(): iana
        for iana, names in _ROMANCE.items()
        for name, starts in zip(names.split("|"), _ROMANCE_STARTS, strict=True)
        for start in starts
    }
    return {**germanic, **romance, **_ENGLISH}
