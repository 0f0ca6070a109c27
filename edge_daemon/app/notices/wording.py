"""Words for lessons, days and verdicts in the language of the messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

from edge_daemon.attendance.rule import distance_to_rule, needed_captures, share_of
from edge_daemon.delivery.mail_templates import filled
from edge_daemon.types import AppliedRule, Lesson, Register, Verdict


class Words:
    """Produces texts in one language.

    Args:
        words: the words, from `Templates.words`.
        zone: the school's time zone.
    """

    def __init__(self, words: Mapping[str, str], zone: tzinfo) -> None:
        self._words, self.zone = words, zone

    def say(self, key: str, **values: str | int) -> str:
        """Return a word or a short sentence, with its values filled in."""
        return filled(self._words[key], {name: str(value) for name, value in values.items()})

    def long_day(self, day: date) -> str:
        """Return a day at full length: Friday, 20 November 2026."""
        return self.say("date", **self._parts(day, "weekdays", "months"))

    def short_day(self, day: date) -> str:
        """Return a short day: Fri 20 Nov 2026."""
        return self.say("day", **self._parts(day, "weekdays_short", "months_short"))

    def moment(self, at: datetime) -> str:
        """Return a short day and its time, in the school's time zone."""
        local = at.astimezone(self.zone)
        return f"{self.short_day(local)} {local:%H:%M}"

    def lesson(self, lesson: Lesson) -> dict[str, str]:
        """Return the values that every message about a lesson may use."""
        start, end = lesson.start.astimezone(self.zone), lesson.end.astimezone(self.zone)
        return {
            "course": self.course(lesson),
            "date": self.long_day(start),
            "day": self.short_day(start),
            "iso_day": f"{start:%Y-%m-%d}",
            "weekday": self._words["weekdays_short"].split()[start.weekday()],
            "start": f"{start:%H:%M}",
            "end": f"{end:%H:%M}",
            "room": lesson.device,
        }

    def course(self, lesson: Lesson) -> str:
        """Return the course, or the word for "everybody" if the lesson has none."""
        return lesson.course or self._words["everybody"]

    def own_course(self, lesson: Lesson) -> str:
        """Return the course for a student or guardian; if the lesson has none, the word for an unnamed course."""
        return lesson.course or self._words["unnamed_course"]

    def needed(self, register: Register) -> str:
        """Return in words how many captures the register's rule requires; the register has to contain its rule."""
        assert register.rule is not None
        share = register.rule.share
        needed = needed_captures(share_of(share), register.captures_taken)
        return self.say("needed_share", share=f"{100 * share:g} %", needed=needed, taken=register.captures_taken)

    def rule(self, rule: AppliedRule) -> str:
        """Return in words what a rule requires besides the share, and which program and models applied the rule."""
        models = ", ".join(sorted(set(rule.models.values()))) or "–"
        yaw, least = f"{rule.max_yaw_deg:g}°", f"{100 * rule.min_captures_share:g} %"
        return self.say("rule_details", yaw=yaw, least=least, program=rule.program, models=models)

    def distance(self, register: Register, verdict: Verdict) -> str:
        """Return in words how many captures a student is above or below the rule; empty if that is not known."""
        captures = distance_to_rule(register, verdict)
        if captures is None:
            return ""
        return self.say("distance_short" if captures < 0 else "distance_over", count=abs(captures))

    def register_flags(self, register: Register) -> str:
        """Return in words why a whole lesson needs attention."""
        return ", ".join(self._words[f"register_flag_{flag}"] for flag in register.register_flags)

    def flags(self, verdict: Verdict) -> str:
        """Return the flags of a verdict in words."""
        return ", ".join(self._words[f"flag_{flag}"] for flag in verdict.flags)

    def _parts(self, day: date, weekdays: str, months: str) -> dict[str, str | int]:
        weekday, month = self._words[weekdays].split()[day.weekday()], self._words[months].split()[day.month - 1]
        return {"weekday": weekday, "day": day.day, "month": month, "year": day.year}
