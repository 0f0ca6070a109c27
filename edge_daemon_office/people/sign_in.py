"""Signing in: password, lock-out, second factor. All failures look the same from outside."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F

from edge_daemon_office.people import totp
from edge_daemon_office.people.models import Account

FREE_FAILURES: Final = 5
"""This many wrong sign-ins in a row do not lock an account."""
_FIRST_LOCK: Final = timedelta(minutes=1)
_LONGEST_LOCK: Final = timedelta(hours=1)


class AccountBackend:
    """Finds the account for a name and password."""

    def authenticate(self, _request: Any, username: str = "", password: str = "", **_: Any) -> Account | None:
        """Return the account; None if it is unknown, locked or inactive, or the password is wrong.

        Every refusal takes the same time.
        """
        account = Account.objects.filter(username=username.strip().lower()[:100]).first()
        if account is None:
            make_password(password)  # as long as a comparison takes
            return None
        is_right = account.check_password(password)
        if not is_right:
            note_failure(account)
        return account if is_right and may_sign_in(account) else None

    def get_user(self, user_id: int) -> Account | None:
        """Return the account of a session, None if it may not sign in any more."""
        account = Account.objects.filter(pk=user_id).first()
        return account if account is not None and account.is_active else None


def may_sign_in(account: Account) -> bool:
    """Return whether an account is active, not locked, and belongs to a school of this office."""
    is_locked = account.locked_until is not None and account.locked_until > datetime.now(timezone.utc)
    return account.is_active and not is_locked and account.school in settings.OFFICE.schools


def note_failure(account: Account) -> None:
    """Count a wrong password or code; the sixth in a row locks the account, and later ones lock it for longer."""
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(failed=F("failed") + 1)
        failed = Account.objects.values_list("failed", flat=True).get(pk=account.pk)
        if failed > FREE_FAILURES:
            lock = min(_LONGEST_LOCK, _FIRST_LOCK * 2 ** min(failed - FREE_FAILURES - 1, 10))
            Account.objects.filter(pk=account.pk).update(locked_until=datetime.now(timezone.utc) + lock)


def note_success(account: Account) -> None:
    """Forget failed sign-ins."""
    Account.objects.filter(pk=account.pk).update(failed=0, locked_until=None)


def take_code(account: Account, given: str) -> bool:
    """Return whether a code of the second factor is right; a wrong code counts as a failed sign-in.

    Each code is accepted only once.
    """
    secret = totp.opened(account.totp_sealed, settings.SECRET_KEY)
    step = totp.matching_step(secret, given, time.time(), account.totp_step) if secret else None
    if step is None or not may_sign_in(account):
        note_failure(account)
        return False
    # Two requests with the same code: one of them changes the row.
    return bool(Account.objects.filter(pk=account.pk, totp_step__lt=step).update(totp_step=step))
