"""Tables of verified documents. Every key begins with the school, and everything can be rebuilt from the tree.

Marks have the month in their key, by which PostgreSQL may partition them. Times are UTC; days are the school's.
"""

from __future__ import annotations

from django.db import models

_ID = 200
_SHA256 = 64


class Lesson(models.Model):
    """A lesson, from the highest revision of its register."""

    pk = models.CompositePrimaryKey("school", "lesson_id")
    school = models.CharField(max_length=40)
    lesson_id = models.CharField(max_length=_ID)
    device = models.CharField(max_length=_ID)
    course = models.CharField(max_length=_ID)
    start = models.DateTimeField()
    end = models.DateTimeField()
    day = models.DateField()
    month = models.IntegerField(help_text="Year and month of the day, such as 202611.")
    origin = models.CharField(max_length=20)
    revision = models.IntegerField()
    sha256 = models.CharField(max_length=_SHA256)
    path = models.TextField(help_text="Of the document, below the folder of the devices.")
    clock = models.CharField(max_length=20)
    captures_planned = models.IntegerField()
    captures_taken = models.IntegerField()
    rule_share = models.FloatField(null=True)
    register_flags = models.TextField(help_text="Words with blanks between.")
    held = models.BooleanField(null=True, help_text="What the office said; null: nothing.")
    awaits = models.BooleanField(help_text="Unusual, and nobody has said whether it was held.")
    is_counted = models.BooleanField(help_text="False: a rehearsal, or not held.")
    present = models.IntegerField()
    absent = models.IntegerField()
    to_confirm = models.IntegerField()
    not_assessed = models.IntegerField()

    class Meta:
        """Indexes of the pages."""

        indexes = (
            models.Index(fields=["school", "day", "course"], name="lesson_day"),
            models.Index(fields=["school", "device", "start"], name="lesson_device"),
        )


class Mark(models.Model):
    """The result for one student in one lesson, from the register."""

    pk = models.CompositePrimaryKey("school", "month", "lesson_id", "student_id")
    school = models.CharField(max_length=40)
    month = models.IntegerField()
    lesson_id = models.CharField(max_length=_ID)
    student_id = models.CharField(max_length=_ID)
    course = models.CharField(max_length=_ID)
    day = models.DateField()
    start = models.DateTimeField()
    verdict = models.CharField(max_length=20)
    standing = models.CharField(
        max_length=20, help_text="What it counts as; edge_daemon_office.shared.attendance.doubt."
    )
    flags = models.TextField(help_text="Words with blanks between.")
    share = models.FloatField()
    captures_seen = models.IntegerField()
    captures_facing = models.IntegerField()
    is_counted = models.BooleanField()

    class Meta:
        """Indexes of the pages."""

        indexes = (
            models.Index(fields=["school", "student_id", "day"], name="mark_student"),
            models.Index(fields=["school", "day", "course"], name="mark_day"),
        )


class DayTally(models.Model):
    """The counts of a student for all lessons of one course on one day."""

    pk = models.CompositePrimaryKey("school", "day", "course", "student_id")
    school = models.CharField(max_length=40)
    day = models.DateField()
    course = models.CharField(max_length=_ID)
    student_id = models.CharField(max_length=_ID)
    present = models.IntegerField()
    absent = models.IntegerField()
    to_confirm = models.IntegerField()
    not_assessed = models.IntegerField()

    class Meta:
        """Index of a student's calendar."""

        indexes = (models.Index(fields=["school", "student_id", "day"], name="tally_student"),)


class Revision(models.Model):
    """A verified register document."""

    pk = models.CompositePrimaryKey("school", "lesson_id", "revision")
    school = models.CharField(max_length=40)
    lesson_id = models.CharField(max_length=_ID)
    revision = models.IntegerField()
    device = models.CharField(max_length=_ID)
    sha256 = models.CharField(max_length=_SHA256)
    previous_sha256 = models.CharField(max_length=_SHA256, blank=True)
    seed_sha256 = models.CharField(max_length=_SHA256)
    path = models.TextField()
    found_at = models.DateTimeField()
    arrival = models.BigIntegerField(help_text="Order in which revisions became visible; microseconds of 1970 or more.")

    class Meta:
        """Index of a device's ledger. Arrival numbers are unique, so that two runs can't give one number twice."""

        indexes = (models.Index(fields=["school", "device"], name="revision_device"),)
        constraints = (models.UniqueConstraint(fields=["school", "arrival"], name="revision_arrival"),)


class SignedChange(models.Model):
    """A correction or confirmation in the highest revision, signed by a device."""

    pk = models.CompositePrimaryKey("school", "lesson_id", "number")
    school = models.CharField(max_length=40)
    lesson_id = models.CharField(max_length=_ID)
    number = models.IntegerField(help_text="Its place among the corrections; -1: the confirmation.")
    student_id = models.CharField(max_length=_ID, blank=True)
    verdict = models.CharField(max_length=20)
    by = models.TextField()
    title = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        """Index of the page Audit."""

        indexes = (models.Index(fields=["school", "at"], name="change_at"),)


class Commitment(models.Model):
    """A signed promise of coming lessons."""

    pk = models.CompositePrimaryKey("school", "device", "ref")
    school = models.CharField(max_length=40)
    device = models.CharField(max_length=_ID)
    ref = models.CharField(max_length=_ID)
    at = models.DateTimeField()
    sha256 = models.CharField(max_length=_SHA256)
    previous_sha256 = models.CharField(max_length=_SHA256, blank=True)


class Promise(models.Model):
    """The last promise about one lesson before it began."""

    pk = models.CompositePrimaryKey("school", "lesson_id")
    school = models.CharField(max_length=40)
    lesson_id = models.CharField(max_length=_ID)
    device = models.CharField(max_length=_ID)
    start = models.DateTimeField()
    end = models.DateTimeField()
    captures_planned = models.IntegerField()
    seed_sha256 = models.CharField(max_length=_SHA256)
    at = models.DateTimeField(help_text="Of the commitment.")

    class Meta:
        """Index of the page Today."""

        indexes = (models.Index(fields=["school", "end"], name="promise_end"),)


class Heartbeat(models.Model):
    """A device's own report. It is not signed, and none of it affects attendance."""

    pk = models.CompositePrimaryKey("school", "device")
    school = models.CharField(max_length=40)
    device = models.CharField(max_length=_ID)
    at = models.DateTimeField(null=True)
    version = models.CharField(max_length=_ID, blank=True)
    clock = models.CharField(max_length=_ID, blank=True)
    service = models.CharField(max_length=_ID, blank=True)
    waiting = models.IntegerField(default=0)
    parked = models.IntegerField(default=0)
    disk_free_mb = models.FloatField(null=True)
    temperature_c = models.FloatField(null=True)
    next_lesson = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)
    registers = models.IntegerField(null=True)
    newest_sha256 = models.CharField(max_length=_SHA256, blank=True)
    pulled = models.JSONField(default=dict, help_text="SHA-256 in force and problem, by document of the office.")


class Problem(models.Model):
    """A document that was left out, or one that looks wrong."""

    pk = models.CompositePrimaryKey("school", "where", "kind")
    school = models.CharField(max_length=40)
    where = models.TextField()
    kind = models.CharField(max_length=20, help_text="document, ledger, gone, room or name.")
    device = models.CharField(max_length=_ID)
    what = models.TextField()
    is_left_out = models.BooleanField()


class Source(models.Model):
    """A file of the tree at the time when it was examined."""

    pk = models.CompositePrimaryKey("school", "path")
    school = models.CharField(max_length=40)
    path = models.TextField()
    folder = models.CharField(max_length=_ID, help_text="Of the device.")
    changed_ns = models.BigIntegerField()
    size_bytes = models.IntegerField()
    signed_by = models.CharField(
        max_length=64, blank=True, help_text="Key of a signature that holds; empty: none does."
    )
    is_believed = models.BooleanField()

    class Meta:
        """Index of a room."""

        indexes = (models.Index(fields=["school", "folder"], name="source_folder"),)


class RoomListing(models.Model):
    """When the folder of a device was listed as a whole, and which of its day indexes were read."""

    pk = models.CompositePrimaryKey("school", "folder")
    school = models.CharField(max_length=40)
    folder = models.CharField(max_length=_ID)
    listed_at = models.DateTimeField()
    indexes = models.JSONField(default=dict, help_text="Time of change in ns and size in bytes, by name of the file.")


class Student(models.Model):
    """A student in the office's roster."""

    pk = models.CompositePrimaryKey("school", "student_id")
    school = models.CharField(max_length=40)
    student_id = models.CharField(max_length=_ID)
    name = models.TextField()
    courses = models.TextField(help_text="Courses with ; between.")
