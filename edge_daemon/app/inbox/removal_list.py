"""Applies the office's list of removals, like `enrol remove`; a person confirms a list that would empty a room."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from edge_daemon.app.erasure.removal import remove_listed
from edge_daemon.app.notices.sealed_contacts import publish_contacts
from edge_daemon.app.opening.database_recovery import gallery_of
from edge_daemon.delivery.office_documents import REMOVALS, parse_removals
from edge_daemon.delivery.pull import put
from edge_daemon.errors import DeliveryError, GalleryError, KeyFileError
from edge_daemon.home import Home
from edge_daemon.store import gallery as tables
from edge_daemon.store.backup import erase_file


def apply_removals(home: Home, data: bytes, now: datetime, *, confirmed: bool) -> tuple[str, str]:
    """Remove the listed students who are in this gallery; safe to repeat.

    Args:
        home: the installation.
        data: the document.
        now: the time of the removal.
        confirmed: True if a person on the device has confirmed a list that removes more than half of the
            room's students.

    Returns:
        What was done, and what could not be done: one line each, without ids.

    Raises:
        DeliveryError: the document is invalid, or it waits for a person; nothing was erased.
        GalleryError, KeyFileError, StoreError: the device can't do it now.
    """
    student_ids = parse_removals(data, home.config.device.name)
    with gallery_of(home) as db:
        here = set() if db is None else {row.student_id for row in tables.student_rows(db)}
    going = here & set(student_ids)
    if 2 * len(going) > len(here) and not confirmed:
        put(waiting_path(home), data)
        hint = "to confirm, `edge-daemon maintain inbox --confirm` on the device; nothing was erased"
        raise DeliveryError(f"would remove {len(going)} of {len(here)} students, and waits", REMOVALS, hint)
    done = remove_listed(home, student_ids, now)
    erase_file(waiting_path(home))
    erased = sum(one.removed_before is None for one in done.students)
    before = len(done.students) - erased
    unknown = len(student_ids) - len(done.students)
    summary = f"{erased} students removed, {before} were removed before, {unknown} ids are not known here"
    return summary, "; ".join(filter(None, (done.problem, _contacts(home))))


def waiting_path(home: Home) -> Path:
    """Return the path of a list that waits for a person; it contains bare ids."""
    return home.state_dir / "pulled" / f"{REMOVALS}.waits"


def take_up_waiting(home: Home, inbox: Path) -> None:
    """Move a list that waits for a person back into the inbox, unless a newer one is there."""
    newer = inbox / REMOVALS
    if waiting_path(home).exists() and not newer.exists():
        put(newer, _content(waiting_path(home)))


def _content(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read()


def _contacts(home: Home) -> str:
    try:
        publish_contacts(home)
    except (GalleryError, KeyFileError) as error:
        return f"mail still uses the earlier names and addresses: {error.what}"
    return ""
