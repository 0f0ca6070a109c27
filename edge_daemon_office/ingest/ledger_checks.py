"""Finds documents that are missing from a device's ledger, or whose predecessor is not the one that they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from django.db import transaction
from django.db.models import F

from edge_daemon_office.counting import counted
from edge_daemon_office.ingest.examine import ProvenDocument
from edge_daemon_office.registers.models import Commitment, Heartbeat, Problem, Promise, Revision

_MOST: Final = 100
"""Limit for the problems of a device that are listed; the others are counted."""


def follows_ledger(school: str, device: str, added: Sequence[ProvenDocument]) -> bool:
    """Return whether new registers continue a device's ledger, so that `check_ledger` would find nothing.

    A full check reads every revision of the device. This function reads only the documents that the new registers name.

    Args:
        school: its short name.
        device: the device, without any problem before these registers came.
        added: the registers, already stored. Nothing else came, and nothing was left out.
    """
    registers = [(one.document.register, one.document.previous_sha256) for one in added]
    ids = {register.lesson.lesson_id for register, _ in registers}
    before = {(register.lesson.lesson_id, register.revision - 1) for register, _ in registers if register.revision > 1}
    mine = Revision.objects.filter(school=school, device=device)
    if before and before - set(mine.filter(lesson_id__in=ids).values_list("lesson_id", "revision")):
        return False
    named = {previous for _, previous in registers if previous}
    newest = _newest(school, device)
    named |= {newest} if newest else set()
    named -= {one.sha256 for one in added}
    if named - set(mine.filter(sha256__in=named).values_list("sha256", flat=True)):
        return False
    promises = Promise.objects.filter(school=school, lesson_id__in=ids, device=device, at__lte=F("start"))
    promised = dict(promises.values_list("lesson_id", "seed_sha256"))
    seeds = [(register.lesson.lesson_id, register.plan.seed_sha256) for register, _ in registers]
    return all(promised.get(lesson_id, seed_sha256) == seed_sha256 for lesson_id, seed_sha256 in seeds)


def check_ledger(school: str, device: str) -> int:
    """Check a device's ledger, and replace the stored problems by those found; return their number."""
    lines: dict[str, str] = {}
    for where, what in _problems(school, device):
        lines[where] = f"{lines[where]}; {what}" if where in lines else what
    count = len(lines)
    rows = list(lines.items())[:_MOST]
    if count > _MOST:
        rows.append((device, f"missing or odd, and not named here: {counted(count - _MOST, 'document')}"))
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
    newest = _newest(school, device)
    if newest and newest not in here:
        yield device, "the newest register of the device, by its heartbeat, is not here"


def _newest(school: str, device: str) -> str:
    """Return the SHA-256 of the newest register that the heartbeat names.

    The text is empty if there is no heartbeat, or if documents still wait on the device.
    """
    rows = Heartbeat.objects.filter(school=school, device=device, waiting=0).values_list("newest_sha256", flat=True)
    return next(iter(rows), "")
