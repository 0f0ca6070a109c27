"""The commitment: a signed document that fixes the capture plans of coming lessons without revealing them.

It has the SHA-256 of each plan's seed. The register later reveals the seed, so anybody who kept the commitment can
verify that the capture times were not chosen afterwards. docs/commitment.schema.json describes the document. Canonical
form and signature are those of the register (edge_daemon.attendance.document). Each commitment has the SHA-256 of the
previous one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge_daemon.attendance.fields import Json, ObjectReader, json_object
from edge_daemon.device.signing import Signer, canonical, signed
from edge_daemon.errors import RegisterError
from edge_daemon.timestamps import written

SCHEMA: Final = 1
KIND: Final = "commitment"


@dataclass(frozen=True, slots=True)
class PlanCommitment:
    """The committed facts about one lesson."""

    lesson_id: str
    start: datetime
    end: datetime
    captures_planned: int
    seed_sha256: str


@dataclass(frozen=True, slots=True)
class Commitment:
    """Commitments to several plans that were signed together."""

    ref: str
    """Name of the commitment, also in file names: its time of creation and a part of its SHA-256."""
    device: str
    at: datetime
    plans_committed: tuple[PlanCommitment, ...]
    previous_sha256: str | None
    public_key: str


def sign_commitment(
    device: str, at: datetime, plans_committed: Sequence[PlanCommitment], previous_sha256: str | None, signer: Signer
) -> tuple[str, str]:
    """Return the ref and the canonical JSON of a new signed commitment."""
    fields: dict[str, Json] = {
        "schema": SCHEMA,
        "kind": KIND,
        "device": device,
        "at": written(at),
        "plans": [
            {
                "lesson_id": plan.lesson_id,
                "start": written(plan.start),
                "end": written(plan.end),
                "captures_planned": plan.captures_planned,
                "seed_sha256": plan.seed_sha256,
            }
            for plan in plans_committed
        ],
        "previous_sha256": previous_sha256,
    }
    digest = hashlib.sha256(canonical(fields).encode("utf-8")).hexdigest()
    ref = f"{at:%Y%m%dT%H%M%SZ}-{digest[:12]}"
    return ref, signed({**fields, "ref": ref}, signer)


def read_commitment(text: str) -> Commitment:
    """Return the commitment in a text, without checking its signature.

    Raises:
        RegisterError: the text is not a commitment.
    """
    return commitment_of(json_object(text, KIND))


def commitment_of(fields: Mapping[str, object]) -> Commitment:
    """Return the commitment in a parsed text; raises RegisterError like `read_commitment`."""
    top = ObjectReader(fields, KIND)
    if top.text("kind") != KIND:
        raise RegisterError("is not a commitment", "key kind", "check its origin")
    plans_committed = (
        PlanCommitment(
            one.text("lesson_id"),
            one.time("start"),
            one.time("end"),
            one.whole("captures_planned"),
            one.text("seed_sha256"),
        )
        for one in top.objects("plans")
    )
    return Commitment(
        top.text("ref"),
        top.text("device"),
        top.time("at"),
        tuple(plans_committed),
        top.optional_text("previous_sha256"),
        top.text("public_key"),
    )
