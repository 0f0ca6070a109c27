"""Records which reader is right where two readers of calendars find different lessons, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

OURS, EITHER = "edge-daemon", "either"
RIE, JS = "recurring-ical-events", "ical.js"


@dataclass(frozen=True)
class Verdict:
    """Why readers differ on some constructs."""

    pattern: str
    """Regular expression for the names of the constructs."""
    readers: tuple[str, ...]
    right: str
    why: str


BOTH = (RIE, JS)
VERDICTS = (
    Verdict(
        "EXDATE: (midnight|a quarter|local time)",
        BOTH,
        OURS,
        "By the letter of RFC 5545 such an EXDATE hits nothing. The office meant the lesson of that day:"
        " held, it would have"
        " everybody absent. It is excepted, and named.",
    ),
    Verdict(
        "EXDATE: its time in another zone|EXDATE: its time without zone",
        (JS,),
        OURS,
        "RFC 5545 compares times; ical.js compares their text.",
    ),
    Verdict(
        "EXDATE: a bare day without VALUE|EXDATE hits nothing: .*, day|RECURRENCE-ID hits nothing: .*, day"
        "|RECURRENCE-ID: a bare day without VALUE; (?!cancelled without|Canceled)",
        (JS,),
        OURS,
        "ical.js gives the whole file up for a day without VALUE=DATE.",
    ),
    Verdict(
        "EXDATE that can't be read",
        BOTH,
        OURS,
        "They give the whole file up. One broken exception costs itself, and is named.",
    ),
    Verdict(
        "EXDATE in an unknown zone",
        (JS,),
        OURS,
        "A zone that nobody knows is read as the series' own; ical.js reads it so as well, and finds no"
        " lesson, because it"
        " compares text.",
    ),
    Verdict(
        "RECURRENCE-ID: .*; Canceled: in the summary|cancelled by",
        BOTH,
        OURS,
        "Words are no matter of RFC 5545: the office's program writes no STATUS, and the lesson is not held.",
    ),
    Verdict(
        "RECURRENCE-ID: .*; cancelled without DTSTART",
        BOTH,
        OURS,
        "They give the file up, or hold the lesson. A cancellation needs no time of its own.",
    ),
    Verdict(
        "RECURRENCE-ID: (midnight|a quarter|local time|a bare day)",
        BOTH,
        OURS,
        "By the letter it hits nothing: they hold the lesson at its old time, besides its new one or instead"
        " of it. It is"
        " taken for the lesson of that day, and named.",
    ),
    Verdict(
        "RECURRENCE-ID: .*; moved without LOCATION",
        (RIE,),
        EITHER,
        "recurring-ical-events gives the version as it stands, without a room; then it is nowhere. What a"
        " version does not"
        " say is as in the series.",
    ),
    Verdict(
        "RECURRENCE-ID: its time in another zone",
        (JS,),
        OURS,
        "RFC 5545 compares times; ical.js compares their text, and loses the change.",
    ),
    Verdict(
        "RECURRENCE-ID hits nothing: moved",
        (JS,),
        EITHER,
        "RFC 5545 is silent. ical.js drops the moved lesson, recurring-ical-events holds it, and so do we,"
        " with a remark.",
    ),
    Verdict(
        "RANGE=THISANDFUTURE",
        (JS,),
        OURS,
        "RFC 5545, section 3.8.4.4: later lessons are moved by as much as the first; ical.js moves them the other way.",
    ),
    Verdict(
        "one UID for",
        (RIE,),
        OURS,
        "A UID is to be unique, and recurring-ical-events takes these events for versions of one. The file"
        " is wrong, but"
        " what it means is plain: other rooms and times are other lessons.",
    ),
    Verdict(
        "TZID: Outlook's for people, not quoted",
        BOTH,
        OURS,
        "A comma or colon in a parameter has to be quoted; they give the file up. The zone is found all the same.",
    ),
    Verdict(
        "TZID: tzone://Microsoft/Utc",
        BOTH,
        OURS,
        "They read a zone that they do not know as the school's time: two hours off.",
    ),
    Verdict(
        "TZID: unknown",
        BOTH,
        OURS,
        "They read it as the school's time. Nobody knows when the lesson is: it is left out, and named.",
    ),
    Verdict(
        "VTIMEZONE that",
        BOTH,
        OURS,
        "They follow the file's description of a known zone, hours off. The name holds, and the description is named.",
    ),
    Verdict(
        "a rule.* and ends with a bare day",
        BOTH,
        OURS,
        "They take a bare day as its midnight and lose the last lesson. Offices mean the day itself.",
    ),
    Verdict(
        "a rule and ends with a time without zone, (as it should be|with a semicolon|with RSCALE)",
        BOTH,
        OURS,
        "RFC 5545 wants UTC here. They read it as UTC and lose or add a lesson at the end; it is of the series' clock.",
    ),
    Verdict(
        "a rule that does not hit its start",
        (JS,),
        EITHER,
        "RFC 5545 calls it undefined. ical.js drops the first date, recurring-ical-events holds it, and so"
        " do we, named.",
    ),
    Verdict("a rule.*, in small letters", BOTH, OURS, "RFC 5545, section 2: names do not depend on capitals."),
    Verdict("a rule.*, with blanks", BOTH, OURS, "They give it up, or leave out what comes after the blank."),
    Verdict("a rule.*, with RSCALE", (RIE,), OURS, "RFC 7529; the Gregorian calendar is what holds anyway."),
    Verdict("times with an offset", (RIE,), OURS, "RFC 5545 forbids offsets; what they mean is plain."),
    Verdict("times without seconds", BOTH, OURS, "RFC 5545 wants seconds; what is meant is plain."),
    Verdict("times as ISO 8601", BOTH, OURS, "RFC 5545 wants no signs; what is meant is plain."),
    Verdict("times VALUE=DATE with a time", (JS,), OURS, "ical.js drops the time of the day, which is there."),
    Verdict(
        "(CR|CR CR LF) as line ends|(a|two) byte order mark|a warning before|bytes after|no END:VCALENDAR",
        BOTH,
        OURS,
        "They give the file up, or find nothing in it. What is around the events costs none of them.",
    ),
    Verdict(
        "a line break in a description|an alarm without END|an event without (END|start)",
        BOTH,
        OURS,
        "They give the file up, or lose the events that follow. It costs its own event at most, named.",
    ),
    Verdict(
        "an event without UID",
        BOTH,
        EITHER,
        "RFC 5545 demands a UID. They show the event; a register needs an id that lasts, so that it is left"
        " out, named.",
    ),
)


def verdict(construct: str, reader: str) -> Verdict | None:
    """Return why a reader differs on a construct; None if nobody has examined it."""
    return next((one for one in VERDICTS if reader in one.readers and re.match(one.pattern, construct)), None)
