"""Makes calendars of the kinds that real programs write, each with its intended lessons.

The lessons come first, by plain arithmetic on days, and the calendar's text is written from them. Nothing here reads a
calendar or a rule. All lessons are in the school year 2026/27.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from tests.slow.calendar_rules import rules

ROOM = "R101"
SCHOOLS = ("Europe/Berlin", "America/New_York", "Australia/Sydney")
MINUTES = 45
UTC = timezone.utc


_CHANGES = {
    "Europe/Berlin": ("+0100", "+0200", "BYDAY=-1SU;BYMONTH=10", "BYDAY=-1SU;BYMONTH=3"),
    "America/New_York": ("-0500", "-0400", "BYDAY=1SU;BYMONTH=11", "BYDAY=2SU;BYMONTH=3"),
    "Australia/Sydney": ("+1000", "+1100", "BYDAY=1SU;BYMONTH=4", "BYDAY=1SU;BYMONTH=10"),
}
_VTIMEZONE = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:{summer}
TZOFFSETTO:{winter}
RRULE:FREQ=YEARLY;INTERVAL=1;{ends}
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:{winter}
TZOFFSETTO:{summer}
RRULE:FREQ=YEARLY;INTERVAL=1;{begins}
END:DAYLIGHT
END:VTIMEZONE"""


@dataclass(frozen=True)
class Variant:
    """A calendar and what it means."""

    construct: str
    """The fault or notation that it has; also the key of the verdicts."""
    text: bytes
    school: str
    """Time zone."""
    lessons: tuple[tuple[datetime, datetime], ...]
    """Start and end in UTC, sorted."""
    named: str = ""
    """Text that must occur in a remark or in the reason for leaving out an event; empty: there must be neither."""
    holidays: bytes = b""
    settings: Mapping[str, object] = field(default_factory=dict)
    is_standard: bool = True
    """Whether other readers can be compared. They know neither files of holidays nor settings."""


def variants() -> list[Variant]:
    """Return all variants; every call returns the same ones."""
    made = (
        *(_exclusions, _missed_exclusions, _changes, _changes_into_the_room, _orphans, _later_changes, _same_uid),
        *(_zone_names, _own_zones, _cancelled_words, _marked_free, _rules, _times, _rooms, _damage, _holidays),
    )
    return [one for make in made for one in make()]


def calendar(*parts: str) -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//made up//EN"]
    return "\r\n".join([*head, *parts, "END:VCALENDAR", ""]).encode()


def of_school(school: str, *parts: str) -> bytes:
    """Return a calendar with a VTIMEZONE of the school's zone, as most programs write it."""
    return calendar(_definition(school, school), *parts)


def _definition(name: str, school: str = "Europe/Berlin") -> str:
    """Return a VTIMEZONE of a school's time under a name."""
    winter, summer, ends, begins = _CHANGES[school]
    definition = _VTIMEZONE.format(name=name, winter=winter, summer=summer, ends=ends, begins=begins)
    return definition.replace("\n", "\r\n")


def event(*lines: str, uid: str = "a@x", room: str = ROOM, summary: str = "Maths") -> str:
    own = [f"{name}:{value}" for name, value in (("UID", uid), ("LOCATION", room), ("SUMMARY", summary)) if value]
    return "\r\n".join(["BEGIN:VEVENT", *own, *lines, "END:VEVENT"])


def times(at: datetime, tzid: str, minutes: int = MINUTES) -> tuple[str, str]:
    end = at + timedelta(minutes=minutes)
    return f"DTSTART;TZID={tzid}:{wall(at)}", f"DTEND;TZID={tzid}:{wall(end)}"


def wall(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}"


def zulu(at: datetime, school: str) -> str:
    return f"{at.replace(tzinfo=ZoneInfo(school)).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def expected_lessons(
    starts: Sequence[datetime], school: str, minutes: int = MINUTES
) -> tuple[tuple[datetime, datetime], ...]:
    """Return the lessons that start at some local times."""
    ends = [at + timedelta(minutes=minutes) for at in starts]
    pairs = zip(starts, ends, strict=True)
    return tuple(sorted((in_utc(start, school), in_utc(end, school)) for start, end in pairs))


def in_utc(at: datetime, school: str) -> datetime:
    return at.replace(tzinfo=ZoneInfo(school)).astimezone(UTC)


def weekly(first: datetime, count: int) -> list[datetime]:
    return [first + timedelta(weeks=week) for week in range(count)]


def clock(day: str, hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, minute=minute)


def _series(first: datetime, count: int, school: str, *lines: str, room: str = ROOM) -> str:
    return event(*times(first, school), f"RRULE:FREQ=WEEKLY;COUNT={count}", *lines, room=room)


def _series_of_schools() -> Iterator[tuple[str, list[datetime]]]:
    """Yield a time zone, and the starts of a weekly series that crosses a change to or from daylight saving time."""
    for school, hour in itertools.product(SCHOOLS, (8, 11)):
        yield school, weekly(clock("2026-09-14", hour), 9)


def _notations(at: datetime, school: str) -> dict[str, tuple[str, bool]]:
    """Return the notations of a lesson in an exception, each with whether it is the lesson's exact time or day."""
    other = "Asia/Tokyo"
    there = f"{at.replace(tzinfo=ZoneInfo(school)).astimezone(ZoneInfo(other)):%Y%m%dT%H%M%S}"
    return {
        "its time with TZID": (f";TZID={school}:{wall(at)}", True),
        "its time in UTC": (f":{zulu(at, school)}", True),
        "its time without zone": (f":{wall(at)}", True),
        "its time in another zone": (f";TZID={other}:{there}", True),
        "a bare day": (f";VALUE=DATE:{at:%Y%m%d}", True),
        "a bare day without VALUE": (f":{at:%Y%m%d}", True),
        "midnight with TZID": (f";TZID={school}:{at:%Y%m%d}T000000", False),
        "midnight in UTC": (f":{at:%Y%m%d}T000000Z", f"{at:%Y%m%d}T000000Z" == zulu(at, school)),
        "midnight without zone": (f":{at:%Y%m%d}T000000", False),
        "a quarter of an hour later": (f";TZID={school}:{wall(at + timedelta(minutes=15))}", False),
        "local time as UTC": (f":{wall(at)}Z", False),
    }


def _exclusions() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        for index in (0, 1, 6, 8):
            for how, (text, is_exact) in _notations(starts[index], school).items():
                series = _series(starts[0], 9, school, f"EXDATE{text}")
                left = expected_lessons([*starts[:index], *starts[index + 1 :]], school)
                named = "" if is_exact else "matches no lesson's time"
                yield Variant(f"EXDATE: {how}", of_school(school, series), school, left, named)


def _missed_exclusions() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        day = timedelta(days=1)
        for how, at in (
            ("the day after", starts[2] + day),
            ("before the series", starts[0] - 7 * day),
            ("after the series", starts[-1] + 7 * day),
        ):
            for form, value in (("day", f"{at:%Y%m%d}"), ("time", wall(at)), ("UTC", zulu(at, school))):
                series = _series(starts[0], 9, school, f"EXDATE:{value}")
                yield Variant(
                    f"EXDATE hits nothing: {how}, {form}",
                    of_school(school, series),
                    school,
                    expected_lessons(starts, school),
                    "matches no lesson",
                )
        broken = _series(starts[0], 9, school, "EXDATE:202609%T080000", f"EXDATE:{zulu(starts[1], school)}")
        left = expected_lessons([starts[0], *starts[2:]], school)
        yield Variant("EXDATE that can't be read", of_school(school, broken), school, left, "can't be read")
        unknown = _series(starts[0], 9, school, f"EXDATE;TZID=Foo:{wall(starts[1])}")
        yield Variant("EXDATE in an unknown zone", of_school(school, unknown), school, left, "is not known")


def _changes() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        for index in (0, 6):
            at = starts[index]
            others = [*starts[:index], *starts[index + 1 :]]
            same_day, next_day = at + timedelta(hours=2), at + timedelta(days=1, hours=1)
            made = {
                "moved on its day": (event(*times(same_day, school)), [*others, same_day], ""),
                "moved to the next day": (event(*times(next_day, school)), [*others, next_day], ""),
                "STATUS:CANCELLED": (event(*times(at, school), "STATUS:CANCELLED"), others, "is cancelled"),
                "STATUS:CANCELED": (event(*times(at, school), "STATUS:CANCELED"), others, "is cancelled"),
                "Canceled: in the summary": (
                    event(*times(at, school), summary="Canceled: Maths"),
                    others,
                    "its summary begins with",
                ),
                "cancelled without DTSTART": (event("STATUS:CANCELLED", room=""), others, "is cancelled"),
                "moved to another room": (event(*times(at, school), room="R202"), others, ""),
                "moved without LOCATION": (event(*times(same_day, school), room=""), [*others, same_day], ""),
            }
            for what, (version, left, why) in made.items():
                for how, (text, is_exact) in _notations(at, school).items():
                    changed = version.replace("\r\nEND:VEVENT", f"\r\nRECURRENCE-ID{text}\r\nEND:VEVENT")
                    parts = [_series(starts[0], 9, school), changed]
                    named = why if is_exact or why else "matches no lesson's time"
                    named = named if what != "moved to another room" else ""
                    parts = parts[::-1] if index else parts
                    yield Variant(
                        f"RECURRENCE-ID: {how}; {what}",
                        of_school(school, *parts),
                        school,
                        expected_lessons(left, school),
                        named,
                    )


def _changes_into_the_room() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        for how, (text, is_exact) in _notations(starts[2], school).items():
            here = event(*times(starts[2], school), f"RECURRENCE-ID{text}")
            parts = [_series(starts[0], 9, school, room="R202"), here]
            named = "" if is_exact else "matches no lesson's time"
            yield Variant(
                f"RECURRENCE-ID: {how}; from another room",
                of_school(school, *parts),
                school,
                expected_lessons(starts[2:3], school),
                named,
            )


def _orphans() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        nowhere = starts[1] + timedelta(days=2)
        for form, text in (("day", f"{nowhere:%Y%m%d}"), ("time", wall(nowhere)), ("UTC", zulu(nowhere, school))):
            series = _series(starts[0], 9, school)
            moved = event(*times(nowhere, school), f"RECURRENCE-ID:{text}")
            yield Variant(
                f"RECURRENCE-ID hits nothing: moved, {form}",
                of_school(school, series, moved),
                school,
                expected_lessons([*starts, nowhere], school),
                "matches no lesson",
            )
            off = event(*times(nowhere, school), f"RECURRENCE-ID:{text}", "STATUS:CANCELLED")
            yield Variant(
                f"RECURRENCE-ID hits nothing: cancelled, {form}",
                of_school(school, series, off),
                school,
                expected_lessons(starts, school),
                "cancels none",
            )
        broken = event(*times(starts[1], "Foo"), f"RECURRENCE-ID:{zulu(starts[1], school)}")
        yield Variant(
            "RECURRENCE-ID of a version that can't be read",
            of_school(school, _series(starts[0], 9, school), broken),
            school,
            expected_lessons(starts, school),
            f"it stands for the lesson of {starts[1]:%Y-%m-%d %H:%M}",
        )
        both = event(*times(starts[1] + timedelta(hours=2), school), f"RECURRENCE-ID:{zulu(starts[1], school)}")
        series = _series(starts[0], 9, school, f"EXDATE:{zulu(starts[1], school)}")
        yield Variant(
            "EXDATE and RECURRENCE-ID of one lesson",
            of_school(school, series, both),
            school,
            expected_lessons([starts[0], *starts[2:]], school),
            "which an EXDATE excludes",
        )


def _later_changes() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        for index, hours in itertools.product((0, 3, 7), (-1, 2, 25)):
            at = starts[index] + timedelta(hours=hours)
            later = event(*times(at, school), f"RECURRENCE-ID;RANGE=THISANDFUTURE:{zulu(starts[index], school)}")
            moved = [*starts[:index], *(one + timedelta(hours=hours) for one in starts[index:])]
            text = of_school(school, _series(starts[0], 9, school), later)
            yield Variant("RANGE=THISANDFUTURE", text, school, expected_lessons(moved, school))


def _same_uid() -> Iterator[Variant]:
    """Yield calendars with several events of one UID in several rooms, in three orders."""
    school = SCHOOLS[0]
    random_order = random.Random(2026)
    sequences = {
        "none": lambda _: [],
        "one higher": lambda n: [f"SEQUENCE:{int(n == 3)}"],
        "rising": lambda n: [f"SEQUENCE:{n}"],
    }
    for uid, (how, sequence), rooms, repeats in itertools.product(
        ("none", "7a", "0"), sequences.items(), (2, 3, 5), (False, True)
    ):
        slots = [clock("2026-09-14", hour) + timedelta(days=day) for day in range(4) for hour in (8, 9)]
        lines = ["RRULE:FREQ=WEEKLY;COUNT=3"] if repeats else []
        parts = [
            event(*times(at, school), *lines, *sequence(number), uid=uid, room=f"R{room}01", summary=f"C{number}")
            for number, (at, room) in enumerate(itertools.product(slots, range(1, rooms + 1)))
        ]
        starts = [one for at in slots for one in (weekly(at, 3) if repeats else [at])]
        for order in range(3):
            if order:
                random_order.shuffle(parts)
            name = f"one UID for {'series' if repeats else 'events'} in {rooms} rooms, SEQUENCE {how}"
            yield Variant(name, of_school(school, *parts), school, expected_lessons(starts, school), "has the same UID")


_NAMES = {
    "IANA": ("Europe/Berlin", '"Europe/Berlin"'),
    "IANA in other capitals": ("europe/berlin", "EUROPE/BERLIN", "Europe/Berlin "),
    "path to IANA": (
        "/Europe/Berlin",
        "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
        "/x.org/1_1/Europe/Berlin",
    ),
    "Windows": ("W. Europe Standard Time", '"W. Europe Standard Time"', "Romance Standard Time"),
    "Windows in other capitals": ("w. europe standard time", "W. EUROPE STANDARD TIME"),
    "Windows with a number": ("W. Europe Standard Time 1", "Central Europe Standard Time 2"),
    "Webex": ("W. Europe Time", "Central Europe Time", "Romance Time"),
    "Outlook's for people, quoted": (
        '"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"',
        '"(UTC+01:00) Brussels, Copenhagen, Madrid, Paris"',
        '"(GMT+01:00) Sarajevo, Skopje, Warsaw, Zagreb"',
        '"(UTC+01:00) Belgrad, Bratislava, Budapest, Ljubljana, Prag"',
    ),
    "Outlook's for people, not quoted": (
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rom\\, Stockholm\\, Wien",
        "(GMT+01.00) Sarajevo/Warsaw/Zagreb",
    ),
    "another language": ("Mitteleuropäische Zeit", "Mitteleuropäische Sommerzeit", '"heure d’Europe centrale"'),
    "Microsoft's path": ('"tzone://Microsoft/W. Europe Standard Time"',),
}


def _zone_names() -> Iterator[Variant]:
    starts = weekly(clock("2026-09-14", 8), 9)
    for what, names in _NAMES.items():
        for name, described in itertools.product(names, ("", "before", "after")):
            series = event(*times(starts[0], name), "RRULE:FREQ=WEEKLY;COUNT=9")
            definition = _definition(name.strip('"').replace("\\", "").replace(",", "\\,"))
            parts = {"": [series], "before": [definition, series], "after": [series, definition]}[described]
            how = f"described {described} it" if described else "not described"
            text = calendar(*parts)
            yield Variant(f"TZID: {what}, {how}", text, "Europe/Berlin", expected_lessons(starts, "Europe/Berlin"))
    for name in ("Foo", "GMT+0100", "Customized Time Zone", "tzone://Microsoft/Custom"):
        lost = event(*times(starts[0], name), uid="lost")
        text = calendar(lost, event(*times(starts[1], "Europe/Berlin")))
        yield Variant(
            "TZID: unknown", text, "Europe/Berlin", expected_lessons(starts[1:2], "Europe/Berlin"), "is not known"
        )
    utc = event(*times(starts[0], '"tzone://Microsoft/Utc"'))
    lessons = ((starts[0].replace(tzinfo=UTC), starts[0].replace(tzinfo=UTC) + timedelta(minutes=MINUTES)),)
    yield Variant("TZID: tzone://Microsoft/Utc", calendar(utc), "Europe/Berlin", lessons)
    for name in ("Europe/Berlin", "W. Europe Standard Time"):
        series = event(*times(starts[0], name), "RRULE:FREQ=WEEKLY;COUNT=9")
        right = _definition(name)
        ended = right.replace("BYMONTH=10", "BYMONTH=10;UNTIL=20101031T010000Z")
        ended = ended.replace("BYMONTH=3", "BYMONTH=3;UNTIL=20100328T010000Z")
        wrong = right.replace("+0100", "+0400").replace("+0200", "+0500")
        for what, definition in (("that has ended", ended), ("that disagrees", wrong)):
            text, lessons = calendar(definition, series), expected_lessons(starts, "Europe/Berlin")
            yield Variant(f"VTIMEZONE {what}", text, "Europe/Berlin", lessons, "the VTIMEZONE")


def _own_zones() -> Iterator[Variant]:
    starts = weekly(clock("2026-09-14", 8), 9)
    for defined, used in (
        ("Schule", "Schule"),
        ("Schule", '"Schule"'),
        ('"Berlin Bern"', '"Berlin Bern"'),
        ("Berlin Bern ", "Berlin Bern"),
        ("Berlin\\, Bern", '"Berlin, Bern"'),
        ("Berlin\\, Bern", "Berlin\\, Bern"),
        ("Berlin\\; Bern", '"Berlin; Bern"'),
        ("SCHULE", "schule"),
        ("tzone://Microsoft/Custom", '"tzone://Microsoft/Custom"'),
        ("Customized Time Zone", "Customized Time Zone"),
    ):
        for monthly, first in itertools.product((False, True), (False, True)):
            definition = _definition(defined)
            definition = definition.replace("FREQ=YEARLY;INTERVAL=1", "FREQ=MONTHLY") if monthly else definition
            series = event(*times(starts[0], used), "RRULE:FREQ=WEEKLY;COUNT=9")
            parts = [definition, series] if first else [series, definition]
            how = "its own VTIMEZONE with monthly rules" if monthly else "its own VTIMEZONE"
            exactly = "in the same letters" if defined == used.strip('"') else "in other letters"
            text = calendar(*parts)
            yield Variant(
                f"TZID: {how}, named {exactly}", text, "Europe/Berlin", expected_lessons(starts, "Europe/Berlin")
            )


def _cancelled_words() -> Iterator[Variant]:
    school = SCHOOLS[0]
    first, second = weekly(clock("2026-09-14", 8), 2)
    words = ("Canceled", "Cancelled", "Abgesagt", "Entfall", "Entfällt", "Ausfall", "Fällt aus", "Annulé", "Cancelado")
    forms = ("{}: Maths", "{} Maths", "[{}] Maths", "({}) - Maths", "{}", "*** {} ***")
    held = event(*times(second, school), uid="b")
    for word, form in itertools.product(words, forms):
        for spelled in dict.fromkeys((word, word.upper(), word.lower())):
            off = event(*times(first, school), summary=form.format(spelled))
            text = of_school(school, off, held)
            yield Variant(
                "cancelled by a word of the summary", text, school, expected_lessons([second], school), "begins with"
            )
    for word in words:
        off = event(*times(first, school), f"CATEGORIES:Maths,{word}")
        text = of_school(school, off, held)
        yield Variant("cancelled by a category", text, school, expected_lessons([second], school), "its category is")
        for summary in (f"Maths {word}", f"{word}x Maths", f"x{word}"):
            text = of_school(school, event(*times(first, school), summary=summary), held)
            yield Variant("a word elsewhere in the summary", text, school, expected_lessons([first, second], school))


def _marked_free() -> Iterator[Variant]:
    school = SCHOOLS[0]
    first, second = weekly(clock("2026-09-14", 8), 2)
    free = event(*times(first, school), "TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:FREE")
    text = of_school(school, free, event(*times(second, school), uid="b"))
    yield Variant(
        "marked as free", text, school, expected_lessons([first, second], school), "is marked as free and is held"
    )
    yield Variant(
        "marked as free, not held by the setting",
        text,
        school,
        expected_lessons([second], school),
        "it is marked as free",
        settings={"free_is_cancelled": True},
        is_standard=False,
    )


def _rules() -> Iterator[Variant]:
    """Yield calendars with random rules, and the lessons found by counting days."""
    spellings = {
        "as it should be": lambda rule: rule,
        "with RSCALE=GREGORIAN": lambda rule: f"RSCALE=GREGORIAN;{rule}",
        "with blanks": lambda rule: rule.replace(";", "; ").replace(",", ", "),
        "in small letters": lambda rule: rule.lower(),
        "with a semicolon at its end": lambda rule: f"{rule};",
    }
    for number, (rule, starts, is_odd) in enumerate(rules(600)):
        school = SCHOOLS[number % len(SCHOOLS)]
        # Every second one as it should be, so that a difference of rules is seen as one of rules.
        how = list(spellings)[0 if number % 2 else (number // 2) % len(spellings)]
        series = event(*times(starts[0], school), f"RRULE:{spellings[how](rule)}")
        named = "its rule does not hit its start" if is_odd else ""
        what = "a rule that does not hit its start" if is_odd else "a rule"
        what += " and ends with a bare day" if re.search("UNTIL=[0-9]{8}$", rule) else ""
        what += " and ends with a time without zone" if re.search("UNTIL=[0-9]{8}T", rule) else ""
        yield Variant(f"{what}, {how}", of_school(school, series), school, expected_lessons(starts, school), named)


def _times() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        at, end = starts[0], starts[0] + timedelta(minutes=MINUTES)
        zone = ZoneInfo(school)
        offset = f"{at.replace(tzinfo=zone):%z}"
        forms = {
            "without seconds": (f";TZID={school}:{at:%Y%m%dT%H%M}", f";TZID={school}:{end:%Y%m%dT%H%M}"),
            "with an offset": (f":{wall(at)}{offset}", f":{wall(end)}{offset}"),
            "as ISO 8601": (f":{at.isoformat()}", f":{end.isoformat()}"),
            "in UTC": (f":{zulu(at, school)}", f":{zulu(end, school)}"),
            "without zone": (f":{wall(at)}", f":{wall(end)}"),
            "TZID and Z": (f";TZID=Etc/GMT:{zulu(at, school)}", f";TZID=Etc/GMT:{zulu(end, school)}"),
            "VALUE=DATE with a time": (f";VALUE=DATE:{wall(at)}", f";VALUE=DATE:{wall(end)}"),
        }
        for how, (start, finish) in forms.items():
            text = of_school(school, event(f"DTSTART{start}", f"DTEND{finish}"))
            yield Variant(f"times {how}", text, school, expected_lessons(starts[:1], school))
        text = of_school(school, event(f"DTSTART;TZID={school}:{wall(at)}", f"DURATION:PT{MINUTES}M"))
        yield Variant("times with DURATION", text, school, expected_lessons(starts[:1], school))


def _rooms() -> Iterator[Variant]:
    school, at = SCHOOLS[0], clock("2026-09-14", 8)
    here = (
        *("R101", "r101", " R101 ", "R101\u00a0", "R101/R102", "R102/R101", "R101 | R102", "R101;R102", "R101\\, R102"),
        *("R101, R102", "R101 R102", "R101\\nR102", "R101 & R102", "R101 + R102", "R101 und R102", "R102 and R101"),
        *("Raum R101", "Room R101", "Salle R101", "Raum: R101", "Room No. R101", "Zimmer R101 (24)", "R101 (24)"),
        *(
            "R101 [24]",
            "R101 (max. 30)",
            "R101 (24 Plätze)",
            "Schule\\, R101\\, Musterstr. 1",
            "R101; Microsoft Teams Meeting",
        ),
        *("Raum R101/R102 (24)", '"R101"'),
    )
    elsewhere = (
        "R102",
        "R1011",
        "XR101",
        "R-101",
        "R101a",
        "R101 (Nebenraum)",
        "R101 Nebenraum",
        "R101-R103",
        "101",
        "",
    )
    held = event(*times(at + timedelta(days=1), school), uid="b")
    for place in here:
        text = of_school(school, event(*times(at, school), room=place), held)
        yield Variant("a room among others", text, school, expected_lessons([at, at + timedelta(days=1)], school))
    for place in elsewhere:
        text = of_school(school, event(*times(at, school), room=place), held)
        yield Variant("another room", text, school, expected_lessons([at + timedelta(days=1)], school))


def _damage() -> Iterator[Variant]:
    school = SCHOOLS[0]
    starts = weekly(clock("2026-09-14", 8), 3)
    parts = [event(*times(at, school), uid=f"u{number}") for number, at in enumerate(starts)]
    good = calendar(*parts)
    whole, bom = expected_lessons(starts, school), b"\xef\xbb\xbf"
    other_room = event(*times(starts[0], school), uid="o", room="R202", summary="Künste")
    latin = calendar(*parts, other_room).decode().encode("latin-1")
    made = {
        "one byte of another encoding": (latin, "is not UTF-8"),
        "a byte order mark": (bom + good, ""),
        "two byte order marks": (bom + bom + good, ""),
        "CR as line ends": (good.replace(b"\r\n", b"\r"), ""),
        "LF as line ends": (good.replace(b"\r\n", b"\n"), ""),
        "CR CR LF as line ends": (good.replace(b"\r\n", b"\r\r\n"), ""),
        "blank lines": (good.replace(b"\r\n", b"\r\n\r\n"), ""),
        "a warning before the calendar": (b"Warning: undefined index\r\n" + good, "is outside of the calendar"),
        "bytes after the calendar": (good + b"<!-- 0.2 s -->\r\n", "is outside of the calendar"),
        "no END:VCALENDAR": (good.removesuffix(b"END:VCALENDAR\r\n"), "has no END:VCALENDAR"),
        "no line end at the end": (good.removesuffix(b"\r\n"), ""),
        "two calendars": (calendar(parts[0]) + calendar(*parts[1:]), ""),
        "a letter cut by a fold": (
            calendar(*parts, other_room).replace(b"K\xc3\xbc", b"K\xc3\r\n \xbc"),
            "",
        ),
    }
    for what, (text, named) in made.items():
        yield Variant(what, text, school, whole, named)
    for broken, text in enumerate(
        ("Begin: at page 3", "END: page 3", "Begin:Homework", "END:VALARM", "bring the book")
    ):
        number = broken % 3
        torn = [*parts]
        torn[number] = parts[number].replace("SUMMARY:Maths", f"DESCRIPTION:Note\r\n{text}\r\nSUMMARY:Maths")
        yield Variant("a line break in a description", calendar(*torn), school, whole)
    for number in range(3):
        left = expected_lessons([*starts[:number], *starts[number + 1 :]], school)
        torn = [*parts]
        torn[number] = parts[number].removesuffix("\r\nEND:VEVENT")
        yield Variant("an event without END", calendar(*torn), school, left, "has no END:VEVENT")
        torn[number] = parts[number].replace("END:VEVENT", "BEGIN:VALARM\r\nEND:VEVENT")
        yield Variant("an alarm without END", calendar(*torn), school, left, "its VALARM has no end")
        torn[number] = parts[number].replace("DTSTART", "DTSTRAT")
        yield Variant("an event without start", calendar(*torn), school, left, "has no start")
        torn[number] = "\r\n".join(line for line in parts[number].split("\r\n") if not line.startswith("UID"))
        yield Variant("an event without UID", calendar(*torn), school, left, "has no UID")


def _holidays() -> Iterator[Variant]:
    for school, starts in _series_of_schools():
        day, after = starts[2].date(), starts[2].date() + timedelta(days=1)
        forms = {
            "a day": (f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{after:%Y%m%d}"),
            "a day without VALUE": (f"DTSTART:{day:%Y%m%d}", f"DTEND:{after:%Y%m%d}"),
            "a day that ends on itself": (f"DTSTART:{day:%Y%m%d}", f"DTEND:{day:%Y%m%d}"),
            "a day without end": (f"DTSTART:{day:%Y%m%d}",),
            "from 00:00 to 23:59": (
                f"DTSTART;TZID={school}:{day:%Y%m%d}T000000",
                f"DTEND;TZID={school}:{day:%Y%m%d}T235900",
            ),
            "a day of every year": (f"DTSTART:{date(2020, day.month, day.day):%Y%m%d}", "RRULE:FREQ=YEARLY"),
            "midnights of an unknown zone": (
                f"DTSTART;TZID=Foo:{day:%Y%m%d}T000000",
                f"DTEND;TZID=Foo:{after:%Y%m%d}T000000",
            ),
        }
        left = expected_lessons([*starts[:2], *starts[3:]], school)
        for (how, lines), uid in itertools.product(forms.items(), ("h", "")):
            free = calendar(event(*lines, uid=uid, room="", summary="Ferien"))
            timetable = calendar(_series(starts[0], 9, school))
            name = f"holiday: {how}{'' if uid else ', without UID'}"
            yield Variant(name, timetable, school, left, "falls on Ferien", free, is_standard=False)
