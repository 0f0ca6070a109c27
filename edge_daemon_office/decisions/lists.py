"""The lists for the devices: all decisions for a device in their order, in canonical JSON, signed with the office key.

A list is written beside the registers of its device (docs/PULL.md). A list from another program is never overwritten.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from django.db.models import Max

from edge_daemon_office.decisions.models import Decision, Publication
from edge_daemon_office.decisions.office_key import office_signer
from edge_daemon_office.home import OfficeHome, School
from edge_daemon_office.ingest.tree import devices_folder
from edge_daemon_office.scope import use_school
from edge_daemon_office.shared.delivery.document_paths import device_folder
from edge_daemon_office.shared.device.signing import Signer, signed, text_signer
from edge_daemon_office.shared.timestamps import written

CORRECTIONS: Final = "corrections.json"
MAX_OF_A_LESSON: Final = 200
MAX_ENTRIES: Final = 5000
"""Limit of a list, as in the devices; the newest decisions are kept."""


def corrections_list(school: str, device: str, signer: Signer) -> str:
    """Return the signed list of a device."""
    entries = decision_entries(school, device)
    last = entries[-1]["at"] if entries else None
    return signed({"schema": 1, "kind": "corrections", "device": device, "at": last, "corrections": entries}, signer)


def decision_entries(school: str, device: str) -> list[dict[str, str]]:
    """Return the newest decisions of a device in their order, as its list has them."""
    newest = Decision.objects.filter(school=school, device=device).order_by("-number")[:MAX_ENTRIES]
    return [_entry(one) for one in reversed(newest)]


def _entry(one: Decision) -> dict[str, str]:
    fields = {"id": one.decision_id, "lesson_id": one.lesson_id, "by": one.by, "at": written(one.at)}
    if not one.student_id:
        return {**fields, "confirm": one.verdict}
    fields |= {"student_id": one.student_id, "verdict": one.verdict, "reason": one.reason_code}
    return {**fields, "title": one.title} if one.title else fields


def publish(home: OfficeHome, school: School) -> list[str]:
    """Write the lists of devices that have new decisions; return the lists that failed, a line each.

    A list with `Publication.last_number` -1 is always written again, even if it has no decision left. Safe to
    repeat; a process that is killed leaves either the old list or the new one.

    Raises:
        OfficeError: the tree or the office key can't be used.
    """
    use_school(school.school)
    problems: list[str] = []
    last = Decision.objects.filter(school=school.school).values("device").annotate(last=Max("number"))
    known = {one.device: one for one in Publication.objects.filter(school=school.school, document=CORRECTIONS)}
    due = [row for row in last if (done := known.get(row["device"])) is None or done.last_number < row["last"]]
    emptied = {one.device for one in known.values() if one.last_number < 0} - {row["device"] for row in last}
    due += [{"device": device, "last": 0} for device in emptied]
    if not due:
        return []
    signer, devices = office_signer(home), devices_folder(school.tree)
    for row in due:
        device, old = row["device"], known.get(row["device"])
        path = devices / device_folder(device).rpartition("/")[2] / CORRECTIONS
        text = corrections_list(school.school, device, signer)
        try:
            if _is_foreign(path, old, text):
                problems.append(f"{device}/{CORRECTIONS} was written by somebody else: remove it, or merge it by hand")
                continue
            put(path, text)
        except OSError as error:
            problems.append(f"{device}/{CORRECTIONS} can't be written: {error.strerror}")
            continue
        Publication.objects.update_or_create(
            school=school.school,
            device=device,
            document=CORRECTIONS,
            defaults={
                "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(),
                "last_number": row["last"],
                "at": datetime.now(timezone.utc),
            },
        )
    return problems


def _is_foreign(path: Path, old: Publication | None, text: str) -> bool:
    """Return whether the existing list is from another program: it is neither our last list nor the new one."""
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return False
    mine = {hashlib.sha256(text.encode("utf-8")).hexdigest(), old.sha256 if old else ""}
    return sha256 not in mine and not _names_our_key(path, text)


def _names_our_key(path: Path, text: str) -> bool:
    """Return whether the file has a list that our key signed.

    The office may have such a list without a record of it, after its tables were restored from a backup.
    """
    mine = text_signer(text, None)
    try:
        return mine is not None and text_signer(path.read_text("utf-8"), {mine}) == mine
    except UnicodeDecodeError:
        return False


def put(path: Path, text: str) -> None:
    """Replace a file; after any interruption either the old or the new one is there.

    Raises:
        OSError: the file can't be written.
    """
    half = path.with_name(f".{path.name}.half")
    with half.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
