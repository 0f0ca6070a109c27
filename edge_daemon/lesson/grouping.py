"""Groups the events of one file into series: finds duplicate events, and assigns changed lessons to their series.

Some programs give different events the same UID. Two events therefore count as versions of one event only if UID, start
and room are equal; the higher SEQUENCE is then valid. A changed lesson belongs to the series with the same UID that has
a lesson at its RECURRENCE-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final

from edge_daemon.lesson.events import Event, localised
from edge_daemon.lesson.exceptions import StartHit, StartIndex, exclusions
from edge_daemon.lesson.ical_lines import Note
from edge_daemon.lesson.icalendar_limits import LIBRARY_ERRORS
from edge_daemon.lesson.rooms import is_in_room
from edge_daemon.lesson.series import Change, Series
from edge_daemon.lesson.starts import first_by_rule, in_zone_of

_LATER: Final = "a later version of the same event is in the file"


@dataclass(frozen=True, slots=True)
class Passed:
    """An event that does not become a lesson, or that may not mean what it seems to."""

    what: str
    """Course and day of the lesson, or the summary of the event."""
    where: str
    """File and line."""
    why: str
    at: datetime | None = None
    """The planned start (UTC); None if the entry concerns the whole event."""


@dataclass(slots=True)
class CalendarFindings:
    """Findings that accumulate while files are read."""

    left_out: list[Passed] = field(default_factory=list)
    remarks: list[Passed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grouper:
    """Groups the events of a file into series.

    Args:
        is_here: returns whether a LOCATION names the room.
        longest: a longer event is cut to this length.
        replaces: True: only one of several events with the same UID, start and room is valid. False: those that differ
            in length or rule are all valid, as for holidays.
        findings: receives the events that are left out and the remarks.
    """

    is_here: Callable[[str], bool]
    longest: timedelta
    replaces: bool
    findings: CalendarFindings

    def series(self, events: Sequence[Event]) -> Iterator[Series]:
        """Yield the series of these events that have a lesson in the room."""
        by_uid: dict[str, list[Event]] = {}
        for event in events:
            by_uid.setdefault(event.uid, []).append(event)
        for same in by_uid.values():
            yield from self._of_uid(same)

    def _of_uid(self, events: Sequence[Event]) -> Iterator[Series]:
        cores = self._latest([one for one in events if one.recurrence is None])
        changes = [one for one in events if one.recurrence is not None]
        if not cores:
            orphans = [Change(one, localised(one.recurrence or one.start, _zone(one))) for one in changes]
            yield Series(None, tuple(self._latest_changes(orphans)), self.longest)
            return
        found = self._assigned(cores, changes)
        earlier: list[Series] = []
        for core in sorted(cores, key=lambda one: one.start):
            excluded, notes = exclusions(core)
            own = tuple(self._not_excluded(self._latest_changes(found.get(id(core), [])), core, excluded))
            is_here = self.is_here(core.location)
            if not is_here and not any(self.is_here(one.event.location) for one in own):
                continue
            if is_here:
                notes += [*core.notes, *_odd_start(core, excluded)]
                self.findings.remarks += [Passed(core.summary, f"{core.path}, line {n.line}", n.why) for n in notes]
            one = Series(core, own, self.longest, excluded, tuple(earlier))
            if core.rule or core.plus:
                earlier.append(one)
            yield one

    def _latest(self, cores: Sequence[Event]) -> list[Event]:
        """Return the valid version of each event, and note the older versions of events in the room as left out.

        The events have the same UID, and none is a changed lesson of a series. Two of them are versions of one event
        if start and room are equal and, without `replaces`, also length and rule. The higher SEQUENCE is valid.
        """
        versions: dict[tuple[object, ...], Event] = {}
        for one in cores:
            is_here = self.is_here(one.location)
            key: tuple[object, ...] = (one.start, one.all_day, is_here or " ".join(one.location.split()).casefold())
            if not self.replaces:
                key = (*key, one.length, one.rule)
            before = versions.get(key)
            later = one if before is None or one.sequence >= before.sequence else before
            versions[key] = later
            if before is not None and is_here:
                older = before if later is one else one
                self.findings.left_out.append(Passed(older.summary, older.where, _LATER))
        here = [one for one in versions.values() if self.is_here(one.location)]
        if len(here) > 1 and self.replaces:
            why = f"has the same UID as the event of {here[0].where}: they are held as different events"
            self.findings.remarks.append(Passed(here[1].summary, here[1].where, why))
        return list(versions.values())

    def _assigned(self, cores: Sequence[Event], changes: Sequence[Event]) -> dict[int, list[Change]]:
        """Return the changed lessons of each series, by `id()` of the series' event, and note inexact matches."""
        found: dict[int, list[Change]] = {}
        index = StartIndex(cores, [one.recurrence for one in changes if one.recurrence is not None])
        for one in changes:
            hit = self._hit(index, one)
            core = hit.core if hit else self._like(cores, one)
            at = hit.at if hit else in_zone_of(core, one.recurrence or one.start)
            if one.cancelled and not one.and_later and hit:
                one = replace(one, start=at)
            found.setdefault(id(core), []).append(Change(one, at))
            if self.is_here(one.location or core.location):
                self._remark(one, core, hit, is_complete=index.is_complete)
        return found

    def _hit(self, index: StartIndex, change: Event) -> StartHit | None:
        hits = index.find(change.recurrence) if change.recurrence is not None else []
        if not hits:
            return None
        near = [one for one in hits if self._is_like(one.core, change)] or hits
        near = [one for one in near if one.core.rule or one.core.plus] or near  # a single event would change itself
        # If a day has several lessons, the one at the time of the series matches.
        return next((one for one in near if one.at.time() == one.core.start.time()), near[0])

    def _like(self, cores: Sequence[Event], change: Event) -> Event:
        return next((core for core in cores if self._is_like(core, change)), cores[0])

    def _is_like(self, core: Event, change: Event) -> bool:
        """Return whether a changed lesson is in the same room as a series, or has no location."""
        same = bool(core.location) and (
            is_in_room(change.location, (core.location,)) or is_in_room(core.location, (change.location,))
        )
        return not change.location or same or (self.is_here(core.location) and self.is_here(change.location))

    def _remark(self, change: Event, core: Event, hit: StartHit | None, *, is_complete: bool) -> None:
        texts = [(note.line, note.why) for note in change.notes]
        if hit is None and is_complete:
            held = "so it cancels none" if change.cancelled else "and it is held in addition"
            texts.append((change.line, f"its RECURRENCE-ID matches no lesson of the event of {core.where}, {held}"))
        elif hit is not None and not hit.is_exact:
            what = f"its RECURRENCE-ID matches no lesson's time; it applies to the lesson of {hit.at:%Y-%m-%d %H:%M}"
            texts.append((change.line, what))
        self.findings.remarks += [Passed(change.summary, f"{change.path}, line {line}", why) for line, why in texts]

    def _latest_changes(self, changes: Sequence[Change]) -> Iterator[Change]:
        """Yield the valid version of each changed lesson, and note the older versions as left out."""
        latest: dict[tuple[datetime, bool], Change] = {}
        for one in changes:
            key = one.recurrence.astimezone(timezone.utc), one.event.and_later
            before = latest.get(key)
            later = one if before is None or one.event.sequence >= before.event.sequence else before
            latest[key] = later
            if before is not None:
                older = before.event if later is one else one.event
                self.findings.left_out.append(Passed(older.summary, older.where, _LATER))
        yield from latest.values()

    def _not_excluded(self, changes: Iterator[Change], core: Event, excluded: frozenset[datetime]) -> Iterator[Change]:
        """Yield the changes, without those of lessons that an EXDATE excludes. Other programs do the same."""
        for one in changes:
            if one.event.and_later or one.recurrence.astimezone(timezone.utc) not in excluded:
                yield one
            elif self.is_here(one.event.location or core.location) and not one.event.cancelled:
                why = f"is another version of the lesson of {one.recurrence:%Y-%m-%d %H:%M}, which an EXDATE excludes"
                self.findings.left_out.append(Passed(one.event.summary, one.event.where, why))


def _odd_start(core: Event, excluded: frozenset[datetime]) -> Iterator[Note]:
    """Yield a note if the start of a series is not a time of its rule, unless an EXDATE excludes the start."""
    if core.start.astimezone(timezone.utc) in excluded:
        return
    try:
        is_odd = bool(core.rule) and first_by_rule(core) not in (None, core.start)
    except LIBRARY_ERRORS:  # the series is left out later
        return
    if is_odd:
        yield Note(
            core.line, f"its rule does not hit its start, {core.start:%a %Y-%m-%d %H:%M}, which is held all the same"
        )


def _zone(event: Event) -> tzinfo:
    return event.start.tzinfo or timezone.utc
