"""Signing in as a role, with Django's own client: real URLs, middleware and templates."""

from __future__ import annotations

from typing import Any

from django.test import Client

from edge_daemon_office.people.models import Account, TaughtCourse

PASSWORD = "correct horse battery"
BACKEND = "edge_daemon_office.people.sign_in.AccountBackend"


def an_account(role: str, school: str = "north", courses: tuple[str, ...] = (), username: str = "") -> Account:
    account = Account(username=username or f"{role}-{school}", school=school, role=role, name=f"{role} of {school}")
    account.set_password(PASSWORD)
    account.save()
    TaughtCourse.objects.bulk_create([TaughtCourse(account=account, course=one) for one in courses])
    return account


def signed_in(account: Account, **settings: Any) -> Client:
    client = Client(**settings)
    client.force_login(account, backend=BACKEND)
    return client
