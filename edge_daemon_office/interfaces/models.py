"""Tokens of the read API, and sections and events of Ed-Fi; `backup` includes them, as the tree does not have them."""

from __future__ import annotations

from django.db import models


class ApiToken(models.Model):
    """A token of the read API. Only the SHA-256 of the token is stored."""

    pk = models.CompositePrimaryKey("school", "name")
    school = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    scopes = models.TextField(help_text="Words with blanks between.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="To the hour.")

    class Meta:
        """No two tokens of a school have the same digest."""

        constraints = (models.UniqueConstraint(fields=["school", "sha256"], name="token_once"),)


class EdFiEvent(models.Model):
    """An attendance event that is, or may be, in the Ed-Fi system; it is recorded here before it is sent."""

    pk = models.CompositePrimaryKey("school", "event_key")
    school = models.CharField(max_length=40)
    event_key = models.CharField(max_length=64, help_text="SHA-256 of Ed-Fi's natural key.")
    student_id = models.CharField(max_length=200)
    day = models.DateField()
    section = models.CharField(max_length=300, help_text="Events of one student, day and section go in their order.")
    body = models.TextField(help_text="JSON, as it was sent last, or was about to be.")
    is_answered = models.BooleanField(help_text="False: nobody knows whether this body is there.")
    resource_id = models.CharField(max_length=64, blank=True, help_text="Empty: the system has not named it yet.")
    refused = models.TextField(blank=True, help_text="Why the system did not take this body.")
    at = models.DateTimeField()

    class Meta:
        """Index for a run over some days."""

        indexes = (models.Index(fields=["school", "day"], name="edfi_day"),)


class CourseSection(models.Model):
    """A line of the page *Ed-Fi*: to which section, session and class period the lessons of a course belong."""

    pk = models.CompositePrimaryKey("school", "line_id")
    school = models.CharField(max_length=40)
    line_id = models.CharField(max_length=16)
    course = models.CharField(max_length=200)
    local_course_code = models.CharField(max_length=60)
    section_identifier = models.CharField(max_length=255)
    session_name = models.CharField(max_length=60)
    school_year = models.IntegerField()
    class_period = models.CharField(max_length=60, blank=True, help_text="Empty: events have none.")
    weekday = models.CharField(max_length=3, blank=True, help_text="Such as mon; empty: any.")
    start = models.CharField(max_length=5, blank=True, help_text="Such as 08:00, at the school; empty: any.")
    first_day = models.DateField(null=True, help_text="Null: from the beginning.")
    last_day = models.DateField(null=True, help_text="Null: without an end.")

    class Meta:
        """Index of a course."""

        indexes = (models.Index(fields=["school", "course"], name="section_course"),)
