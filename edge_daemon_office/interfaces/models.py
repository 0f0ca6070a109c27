"""Tokens of the read API, and events sent to Ed-Fi. They can't be rebuilt from the tree, so `backup` includes them."""

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
        """A token exists once in a school."""

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
