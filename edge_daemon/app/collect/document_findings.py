"""Examines a file: it is a register or commitment signed with its room's key, or it is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge_daemon.app.collect.document_tree import UnreadableError, read_text
from edge_daemon.app.collect.spill import Spill
from edge_daemon.attendance.commitment import KIND as COMMITMENT
from edge_daemon.attendance.commitment import PlanCommitment, commitment_of
from edge_daemon.attendance.document import SCHEMA, from_fields
from edge_daemon.attendance.proof import OtherKeyError, check_seed, digest, signed_fields
from edge_daemon.errors import RegisterError


@dataclass(frozen=True, slots=True)
class RegisterFound:
    """A register that a trusted key signed; its content is read again when the term is written."""

    path: str
    """Path below the room's folder."""
    key: str
    device: str
    """The device that the register names."""
    lesson_id: str
    revision: int
    start: datetime
    sha256: str
    seed_sha256: str
    captures_planned: int
    captures_taken: int
    is_rehearsal: bool
    previous_sha256: str | None
    """SHA-256 of the preceding document."""


@dataclass(frozen=True, slots=True)
class CommitmentFound:
    """A commitment that a trusted key signed."""

    key: str
    at: datetime
    plans: tuple[PlanCommitment, ...]
    sha256: str
    previous_sha256: str | None
    """SHA-256 of the preceding commitment."""


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A correctly signed document whose key was not trusted when it was read."""

    key: str
    device: str
    """The device that the document names, empty if it names none."""
    what: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that is not a document, or whose signature is not by a known key."""

    what: str


MOST_SCHEMA = 1000
Finding = RegisterFound | CommitmentFound | OtherKey | Rejected
Place = tuple[int, int]


def examine_register(
    path: Path, below: str, keys: Collection[str], spill: Spill
) -> tuple[RegisterFound | OtherKey | Rejected, Place | None]:
    """Return the finding on a file among the registers, and its place in the spill file.

    Any content gives a finding and never raises an error.
    """
    try:
        text = read_text(path)
        fields = signed_fields(text, keys)
        check_schema(fields)
        document = from_fields(fields)
        check_seed(document)
    except OtherKeyError as error:
        return OtherKey(error.key, error.device, error.what), None
    except (UnreadableError, RegisterError, *UNEXPECTED) as error:
        return Rejected(explained(error)), None
    register, lesson = document.register, document.register.lesson
    found = RegisterFound(
        *(below, str(document.public_key), lesson.device, lesson.lesson_id, register.revision, lesson.start),
        *(digest(text), register.plan.seed_sha256, register.captures_planned, register.captures_taken),
        *(lesson.origin == "rehearsal", document.previous_sha256),
    )
    return found, spill.put(fields)


def examine_commitment(path: Path, keys: Collection[str]) -> CommitmentFound | OtherKey | Rejected:
    """Return the finding on a file among the commitments. Any content gives a finding and never raises an error."""
    try:
        text = read_text(path)
        commitment = commitment_of(signed_fields(text, keys, COMMITMENT))
    except OtherKeyError as error:
        return OtherKey(error.key, error.device, error.what)
    except (UnreadableError, RegisterError, *UNEXPECTED) as error:
        return Rejected(explained(error))
    return CommitmentFound(
        *(commitment.public_key, commitment.at, commitment.plans_committed),
        *(digest(text), commitment.previous_sha256),
    )


UNEXPECTED = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""Errors that a forged document may cause. It then counts as unreadable, and the run goes on."""


def check_schema(fields: Mapping[str, object]) -> None:
    """Raise a RegisterError for a document of a later release, because its keys may differ."""
    schema = fields.get("schema")
    if isinstance(schema, int) and SCHEMA < schema <= MOST_SCHEMA:
        raise RegisterError(f"has the newer schema {schema}: update this program, which reads schema {SCHEMA}")


def explained(error: Exception) -> str:
    """Return in words why a file is left out."""
    if isinstance(error, RegisterError):
        return error.what
    return str(error) if isinstance(error, UnreadableError) else f"can't be read ({type(error).__name__})"
