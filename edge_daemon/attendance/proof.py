"""What a document says of itself, checked: its form, its signature, and the seed that it reveals.

Needs the document and the device's public key, and nothing else of the device: the office checks with the same words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from edge_daemon.attendance.commitment import Commitment, read_commitment
from edge_daemon.attendance.document import Document, from_json
from edge_daemon.device.signing import canonical, fingerprint, is_signed_by
from edge_daemon.errors import RegisterError

UNSIGNED = "is not signed"


@dataclass(frozen=True, slots=True)
class ProvenRegister:
    """A register that is what its device signed, or, from a release that did not sign, what it wrote."""

    document: Document
    sha256: str
    is_signed: bool


def prove_register(text: str, public_key: str | None) -> ProvenRegister:
    """Return the register that a text holds.

    Args:
        text: of the document.
        public_key: of the device that should have signed it; None: whatever key the document names.

    Raises:
        RegisterError: it is no register, or not as that device signed it; says in plain words what is wrong. A document
            of a release that did not sign is no fault.
    """
    document = from_json(text)
    register = document.register
    if document.public_key is None and document.signature is None:
        fault = _form_fault(text, _fields(text))
    else:
        fault = _fault(text, public_key)
    if not fault and hashlib.sha256(register.plan.seed).hexdigest() != register.plan.seed_sha256:
        fault = "reveals a seed that is not the one of its SHA-256"
    if fault:
        raise RegisterError(fault, f"register {register.lesson.lesson_id} revision {register.revision}")
    return ProvenRegister(document, digest(text), document.public_key is not None)


def prove_commitment(text: str, public_key: str | None) -> Commitment:
    """Return the commitment that a text holds; raises a RegisterError as `prove_register`."""
    commitment = read_commitment(text)
    if fault := _fault(text, public_key):
        raise RegisterError(fault, f"commitment {commitment.ref}")
    return commitment


def digest(text: str) -> str:
    """Return the SHA-256 of a document, by which the one after it names it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _fault(text: str, public_key: str | None) -> str:
    fields = _fields(text)
    named = fields.get("public_key")
    if not isinstance(named, str) or fields.get("signature") is None:
        return UNSIGNED
    if not is_signed_by(fields, named):
        return "was changed after it was signed: its signature does not hold"
    if public_key is not None and named != public_key:
        return f"was signed by another key (fingerprint {fingerprint(named)})"
    return _form_fault(text, fields)


def _form_fault(text: str, fields: Mapping[str, object]) -> str:
    return "" if text == canonical(fields) else "was written anew: it is not in the form in which devices write it"


def _fields(text: str) -> Mapping[str, object]:
    fields: Mapping[str, object] = json.loads(text)  # an object: the document was read before
    return fields
