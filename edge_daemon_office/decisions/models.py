"""Tables of decisions and excuses. They can't be rebuilt from the tree, so that `backup` includes them."""

from __future__ import annotations

from django.db import models


class Decision(models.Model):
    """A correction for one student, or the confirmation that a lesson was held or not."""

    pk = models.CompositePrimaryKey("school", "decision_id")
    school = models.CharField(max_length=40)
    decision_id = models.CharField(max_length=64)
    number = models.BigIntegerField(help_text="Order of the list.")
    device = models.CharField(max_length=200)
    lesson_id = models.CharField(max_length=200)
    student_id = models.CharField(max_length=200, blank=True, help_text="Empty: about the whole lesson.")
    verdict = models.CharField(max_length=20, help_text="A verdict, or held, not_held.")
    reason_code = models.CharField(max_length=40, blank=True)
    by = models.CharField(max_length=200)
    title = models.CharField(max_length=100, blank=True)
    account = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        """Indexes of the page Register and of the lists for devices."""

        indexes = (
            models.Index(fields=["school", "lesson_id"], name="decision_lesson"),
            models.Index(fields=["school", "device", "number"], name="decision_device"),
        )


class Excuse(models.Model):
    """Days on which a student is excused. It has a code but no text, so that it says nothing about anybody's health."""

    pk = models.CompositePrimaryKey("school", "excuse_id")
    school = models.CharField(max_length=40)
    excuse_id = models.CharField(max_length=64)
    student_id = models.CharField(max_length=200)
    first_day = models.DateField()
    last_day = models.DateField()
    code = models.CharField(max_length=40)
    by = models.CharField(max_length=200)
    account = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        """Index of a student's excuses."""

        indexes = (models.Index(fields=["school", "student_id", "first_day"], name="excuse_student"),)


class Publication(models.Model):
    """The last version of a document written for a device."""

    pk = models.CompositePrimaryKey("school", "device", "document")
    school = models.CharField(max_length=40)
    device = models.CharField(max_length=200)
    document = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    last_number = models.BigIntegerField(default=0, help_text="Of the newest decision in it.")
    at = models.DateTimeField()
