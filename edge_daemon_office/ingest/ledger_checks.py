"""Finds documents that are missing from a device's ledger or do not fit; each document names its predecessor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db import transaction

from edge_daemon_office.registers.models import Commitment, Heartbeat, Problem, Promise, Revision

_MOST: Final = 100
"""Limit for the problems of a device that are listed; the others are counted."""


def check_ledger(school: str, device: str) -> int:
    """Check a device's ledger, and replace the stored problems by those found; return their number."""
    lines: dict[str, str] = {}
    for where, what in _problems(school, device):
        lines[where] = f"{lines[where]}; {what}" if where in lines else what
    count = len(lines)
    rows = list(lines.items())[:_MOST]
    if count > _MOST:
        rows.append((device, f"{count - _MOST} more documents are missing or odd"))
    with transaction.atomic():
        Problem.objects.filter(school=school, device=device, kind="ledger").delete()
        Problem.objects.bulk_create(
            Problem(school=school, where=where, kind="ledger", device=device, what=what, is_left_out=False)
            for where, what in rows
        )
    return count


def _problems(school: str, device: str) -> Iterator[tuple[str, str]]:
    rows = Revision.objects.filter(school=school, device=device).values_list(
        "lesson_id", "revision", "sha256", "previous_sha256", "seed_sha256"
    )
    revisions = {
        (lesson_id, revision): (sha256, previous, seed) for lesson_id, revision, sha256, previous, seed in rows
    }
    here = {sha256 for sha256, _, _ in revisions.values()}
    highest: dict[str, int] = {}
    for lesson_id, revision in revisions:
        highest[lesson_id] = max(revision, highest.get(lesson_id, 0))
    left_out = Problem.objects.filter(school=school, device=device, is_left_out=True).count()
    yield from _gaps(device, revisions, highest, here, left_out)
    yield from _broken_promises(school, device, revisions, highest)
    promised = list(Commitment.objects.filter(school=school, device=device).values_list("sha256", "previous_sha256"))
    known = {sha256 for sha256, _ in promised}
    gone = sum(previous != "" and previous not in known for _, previous in promised)
    if gone > left_out:
        yield device, f"{gone} commitments are missing that others follow"
    yield from _heartbeat(school, device, here)


def _gaps(
    device: str,
    revisions: dict[tuple[str, int], tuple[str, str, str]],
    highest: dict[str, int],
    here: set[str],
    left_out: int,
) -> Iterator[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for (lesson_id, revision), (_, previous, _) in revisions.items():
        if not previous or previous in here:
            continue
        where = f"{device}: register {lesson_id}"
        if revision == 1:
            found.append((where, "the register that the device made before it is not here: removed, or a rehearsal"))
        elif (lesson_id, revision - 1) in revisions:
            found.append((where, f"revision {revision} follows another revision {revision - 1} than the one here"))
    for lesson_id, top in highest.items():
        gone = [n for n in range(1, min(top, 200)) if (lesson_id, n) not in revisions]
        if gone:
            named = ", ".join(map(str, gone[:10])) + (" …" if len(gone) > 10 else "")
            found.append((f"{device}: register {lesson_id}", f"revision {named} is not here; revision {top} is taken"))
    if len(found) > left_out:  # a file that is left out is named already, and its follower lacks nothing else
        yield from found


def _broken_promises(
    school: str, device: str, revisions: dict[tuple[str, int], tuple[str, str, str]], highest: dict[str, int]
) -> Iterator[tuple[str, str]]:
    rows = Promise.objects.filter(school=school, device=device).values_list("lesson_id", "seed_sha256", "at", "start")
    for lesson_id, seed_sha256, at, start in rows:
        if lesson_id in highest and at <= start and revisions[lesson_id, highest[lesson_id]][2] != seed_sha256:
            what = "reveals another seed than the one that was promised before the lesson"
            yield f"{device}: register {lesson_id}", what


def _heartbeat(school: str, device: str, here: set[str]) -> Iterator[tuple[str, str]]:
    said = Heartbeat.objects.filter(school=school, device=device).first()
    if said is not None and said.newest_sha256 and said.waiting == 0 and said.newest_sha256 not in here:
        yield device, "the newest register of the device, by its heartbeat, is not here"
