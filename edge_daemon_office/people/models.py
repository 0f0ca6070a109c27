"""Accounts, teachers' courses, and activities. They can't be rebuilt from the tree, so that `backup` includes them."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

ROLES: Final = ("teacher", "office", "head", "technician", "dpo")
ALL_COURSES: Final = "*"
"""In the courses of a teacher it means every course."""


class AccountManager(BaseUserManager):  # type: ignore[type-arg]
    """Makes accounts."""

    def get_by_natural_key(self, username: str) -> Account:
        """Return the account with a name; upper and lower case do not matter."""
        return self.get(username=username.strip().lower())


class Account(AbstractBaseUser):
    """A person of one school, with one role."""

    username = models.CharField(max_length=100, unique=True)
    school = models.CharField(max_length=40)
    name = models.CharField(max_length=200, help_text="As it stands in corrections.")
    title = models.CharField(max_length=100, blank=True, help_text="What the person is at the school.")
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES])
    language = models.CharField(max_length=10, blank=True)
    email = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    totp_sealed = models.CharField(max_length=200, blank=True, help_text="Secret of the second factor, sealed.")
    totp_step = models.BigIntegerField(default=0, help_text="Of the last code that was taken; none is taken twice.")
    failed = models.IntegerField(default=0, help_text="Failed sign-ins in a row.")
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    objects = AccountManager()

    @property
    def has_totp(self) -> bool:
        """Whether a second factor is set up."""
        return bool(self.totp_sealed)


class TaughtCourse(models.Model):
    """A course of a teacher."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="taught")
    course = models.CharField(max_length=200)

    class Meta:
        """A teacher has each course once."""

        constraints = (models.UniqueConstraint(fields=["account", "course"], name="course_once"),)


class ToldAlert(models.Model):
    """An alert that an account has received by mail."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="told")
    key = models.CharField(max_length=400)
    at = models.DateTimeField()

    class Meta:
        """An account has each alert once."""

        constraints = (models.UniqueConstraint(fields=["account", "key"], name="told_once"),)


class Activity(models.Model):
    """An action in the office: its author, time and kind, and the lesson or student that it concerns."""

    school = models.CharField(max_length=40)
    at = models.DateTimeField()
    by = models.CharField(max_length=200, help_text="Username; empty: the command line.")
    what = models.CharField(max_length=40)
    lesson_id = models.CharField(max_length=200, blank=True)
    student_id = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        """Index of the page Audit."""

        indexes = (models.Index(fields=["school", "at"], name="activity_at"),)
