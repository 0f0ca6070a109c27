"""The signed note about removed registers: which were removed, by SHA-256 and position in the ledger.

The note contains no names, and lessons only by their id. Each note has the SHA-256 of the previous one. Canonical form
and signature are those of the register (edge_daemon.attendance.document).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge_daemon.attendance.fields import ObjectReader, json_object
from edge_daemon.device.signing import Signer, canonical, is_signed_by, signed
from edge_daemon.errors import RegisterError
from edge_daemon.timestamps import written

SCHEMA: Final = 1
KIND: Final = "retention"


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """One removed document."""

    position: int
    """Position in the ledger."""
    lesson_id: str
    revision: int
    sha256: str


def sign_retention_note(
    device: str, at: datetime, gaps: Sequence[LedgerGap], previous_sha256: str | None, signer: Signer
) -> str:
    """Return the signed canonical JSON of a new note."""
    return signed(
        {
            "schema": SCHEMA,
            "kind": KIND,
            "device": device,
            "at": written(at.replace(microsecond=0)),
            "removed": [
                {"position": one.position, "lesson_id": one.lesson_id, "revision": one.revision, "sha256": one.sha256}
                for one in gaps
            ],
            "previous_sha256": previous_sha256,
        },
        signer,
    )


def prove_retention_note(text: str, public_key: str | None) -> tuple[tuple[LedgerGap, ...], str | None]:
    """Return the removed documents that a note lists, and the SHA-256 of the previous note.

    Args:
        text: text of the note.
        public_key: key of the device. If None, no note is accepted.

    Raises:
        RegisterError: the text is not a note, is not signed by that key, or is in another form.
    """
    fields = json_object(text, KIND)
    if public_key is None or not is_signed_by(fields, public_key) or canonical(fields) != text:
        raise RegisterError("is not signed by this device", "retention note", "see docs/LEDGER.md")
    top = ObjectReader(fields, KIND)
    if top.text("kind") != KIND:
        raise RegisterError("is not a note about removed registers", "retention note", "see docs/LEDGER.md")
    gaps = tuple(
        LedgerGap(one.whole("position"), one.text("lesson_id"), one.whole("revision"), one.text("sha256"))
        for one in top.objects("removed")
    )
    return gaps, top.optional_text("previous_sha256")
