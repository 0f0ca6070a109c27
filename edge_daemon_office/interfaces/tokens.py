"""Tokens of the read API: made, shown once, looked up by their SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from edge_daemon_office.errors import OfficeError
from edge_daemon_office.interfaces.models import ApiToken
from edge_daemon_office.people.activity import note
from edge_daemon_office.scope import use_school

SCOPES: Final = ("lessons", "marks", "students", "excuses", "rooms")
"""Scopes of tokens: `students` includes names, all others have bare ids."""
_PREFIX: Final = "edo_"
_NAME_LENGTH: Final = 100
_NOTE_USE: Final = timedelta(hours=1)


def make_token(school: str, name: str, scopes: Collection[str], now: datetime, expires_at: datetime | None) -> str:
    """Make a token for a school and return it; it can't be shown again.

    Raises:
        OfficeError: the name is taken or invalid, a scope is unknown, or the token would already be expired.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        what = f"unknown scope {unknown[0]}" if unknown else "no scope"
        raise OfficeError(what, "--scope", f"use one or several of {', '.join(SCOPES)}")
    if not name or not name.isprintable() or len(name) > _NAME_LENGTH:
        raise OfficeError("is not a name for a token", "NAME", "use 1 to 100 characters")
    if expires_at is not None and expires_at <= now:
        raise OfficeError("is in the past", "--expires", "give a future day")
    use_school(school)
    if ApiToken.objects.filter(school=school, name=name).exists():
        raise OfficeError("is taken", name, "revoke that token first, or use another name")
    token = _PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        ApiToken.objects.create(
            school=school,
            name=name,
            sha256=sha256_of(token),
            scopes=" ".join(one for one in SCOPES if one in scopes),
            created_at=now,
            expires_at=expires_at,
        )
        note(school, "", "token made", detail=f"{name}: {', '.join(scopes)}")
    return token


def revoke(school: str, name: str) -> bool:
    """Revoke a token at once; return whether there was one."""
    use_school(school)
    with transaction.atomic():
        row = ApiToken.objects.filter(school=school, name=name).first()
        if row is None:
            return False
        row.delete()
        note(school, "", "token revoked", detail=name)
    return True


def scopes_of(school: str, token: str, now: datetime) -> frozenset[str] | None:
    """Return the scopes of a token in a school; None if it is unknown there or has expired."""
    row = ApiToken.objects.filter(school=school, sha256=sha256_of(token)).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.used_at is None or now - row.used_at >= _NOTE_USE:
        ApiToken.objects.filter(pk=row.pk).update(used_at=now.replace(minute=0, second=0, microsecond=0))
    return frozenset(row.scopes.split())


def sha256_of(token: str) -> str:
    """Return the stored digest of a token. Tokens are random, so that no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
