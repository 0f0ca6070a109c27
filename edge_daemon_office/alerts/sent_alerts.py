"""The alerts that accounts have received, also those about students who were erased since."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.utils.crypto import salted_hmac

from edge_daemon_office.people.models import ToldAlert

_KINDS: Final = ("absent", "low", "row")
"""First word of the key of an alert about a student; the id and one more word follow."""


def is_known(key: str, known: Collection[str]) -> bool:
    """Return whether an alert is among the keys that an account has received."""
    return key in known or _nameless(key) in known


def erase_keys(school: str, student_id: str) -> int:
    """Replace the keys of a student's alerts by keyed hashes, so that none is sent again; return their number."""
    count = 0
    for one in ToldAlert.objects.filter(account__school=school, key__contains=f" {student_id} "):
        kind, _, rest = one.key.partition(" ")
        if kind in _KINDS and rest.rpartition(" ")[0] == student_id:
            one.key = _nameless(one.key)
            one.save(update_fields=["key"])
            count += 1
    return count


def _nameless(key: str) -> str:
    """Return a hash that only this office's secret key makes."""
    return salted_hmac("an alert about an erased student", key, algorithm="sha256").hexdigest()
