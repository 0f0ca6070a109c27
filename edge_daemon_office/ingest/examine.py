"""Examines a file of the tree: it is a register or commitment signed with a pinned key, or it is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from edge_daemon_office.ingest.tree import UnreadableError, read_text
from edge_daemon_office.shared.attendance.commitment import KIND as COMMITMENT
from edge_daemon_office.shared.attendance.commitment import Commitment, commitment_of
from edge_daemon_office.shared.attendance.document import SCHEMA, Document, from_fields
from edge_daemon_office.shared.attendance.proof import OtherKeyError, check_seed, digest, signed_fields
from edge_daemon_office.shared.errors import RegisterError

_LONGEST_ID: Final = 200
_UNEXPECTED: Final = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""Errors that a forged document may cause. It then counts as unreadable, and the run goes on."""


@dataclass(frozen=True, slots=True)
class ProvenDocument:
    """A register that a pinned key signed."""

    document: Document
    sha256: str


@dataclass(frozen=True, slots=True)
class ProvenCommitment:
    """A commitment that a pinned key signed."""

    commitment: Commitment
    sha256: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not trusted."""

    what: str
    signed_by: str = ""
    """The key that signed the file correctly but is not pinned; empty if no signature is valid."""


Finding: TypeAlias = ProvenDocument | ProvenCommitment | LeftOut


def examine(path: Path, keys: Collection[str], *, is_commitment: bool) -> Finding:
    """Return the finding on a file: verified, or left out. Any content gives a finding and never raises an error.

    Args:
        path: path of the file.
        keys: the keys pinned for the device.
        is_commitment: True if the file is among the commitments.
    """
    try:
        text = read_text(path)
        fields = signed_fields(text, keys, COMMITMENT) if is_commitment else signed_fields(text, keys)
        _check_schema(fields)
        if is_commitment:
            commitment = commitment_of(fields)
            _check_ids(commitment.ref, *(plan.lesson_id for plan in commitment.plans_committed))
            return ProvenCommitment(commitment, digest(text))
        document = from_fields(fields)
        check_seed(document)
        register = document.register
        students = [verdict.tally.student_id for verdict in register.verdicts]
        _check_ids(register.lesson.lesson_id, register.lesson.course or "-", *students)
        if len(set(students)) != len(students):
            return LeftOut("has a student twice", str(document.public_key))
        return ProvenDocument(document, digest(text))
    except OtherKeyError as error:
        return LeftOut(f"{error.what}, which is not pinned", error.key)
    except RegisterError as error:
        return LeftOut(error.what)
    except UnreadableError as error:
        return LeftOut(str(error))
    except _UNEXPECTED as error:
        return LeftOut(f"can't be read ({type(error).__name__})")


def _check_schema(fields: Mapping[str, object]) -> None:
    schema = fields.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise RegisterError(f"has a newer schema: update this program, which reads schema {SCHEMA}")


def _check_ids(*ids: str) -> None:
    if any(not 0 < len(one) <= _LONGEST_ID or "\0" in one or not one.isprintable() for one in ids):
        raise RegisterError("has an id that no device writes")
    "".join(ids).encode("utf-8")  # raises a ValueError for half a character
