"""Verifies a document by itself: its signature, its form, and the seed that it reveals.

It needs only the document and the device's public key, so the office verifies in the same way. The signature is
verified over the received text before any of it is parsed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edge_daemon_office.shared.attendance.commitment import KIND as COMMITMENT
from edge_daemon_office.shared.attendance.commitment import Commitment, commitment_of
from edge_daemon_office.shared.attendance.document import KIND as REGISTER
from edge_daemon_office.shared.attendance.document import Document, from_fields
from edge_daemon_office.shared.attendance.fields import json_object
from edge_daemon_office.shared.device.signing import canonical, fingerprint, is_signed_by, text_signer
from edge_daemon_office.shared.errors import RegisterError

UNSIGNED = "is not signed"
_CHANGED = "was changed after it was signed: its signature does not hold"
_LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class ProvenRegister:
    """A register that is verified, or that comes from a release without signatures."""

    document: Document
    sha256: str
    is_signed: bool


class OtherKeyError(RegisterError):
    """A document with a valid signature, but by a key that is not trusted.

    Args:
        key: the key that signed the document, hexadecimal.
        device: the device that the document names; empty if it names none.
        where: identifies the document.
    """

    def __init__(self, key: str, device: str, where: str) -> None:
        super().__init__(f"was signed by another key (fingerprint {fingerprint(key)})", where)
        self.key, self.device = key, device


def prove_register(text: str, public_key: str | None) -> ProvenRegister:
    """Return the verified register in a text.

    Args:
        text: text of the document.
        public_key: key of the expected device. If None, the key that the document names is used.

    Raises:
        RegisterError: the text is not a register, or its signature is invalid; the message says in plain words what is
            wrong. A document of a release without signatures is accepted.
    """
    keys = None if public_key is None else (public_key,)
    signer = text_signer(text, keys)
    fields = json_object(text, REGISTER)
    if signer is None and fields.get("public_key") is None and fields.get("signature") is None:
        check_form(text, fields)
    else:
        _check(text, fields, signer, keys)
    document = from_fields(fields)
    check_seed(document)
    return ProvenRegister(document, digest(text), document.public_key is not None)


def prove_commitment(text: str, public_key: str | None) -> Commitment:
    """Return the verified commitment in a text; raises RegisterError like `prove_register`."""
    return commitment_of(signed_fields(text, None if public_key is None else (public_key,), COMMITMENT))


def signed_fields(text: str, keys: Collection[str] | None, kind: str = REGISTER) -> Mapping[str, object]:
    """Return the fields of a document that one of these keys signed. It is parsed only after the signature is verified.

    Args:
        text: text of the document.
        keys: the trusted keys. If None, the key that the document names is used.
        kind: the expected kind, for messages.

    Raises:
        OtherKeyError: another key signed the document.
        RegisterError: the text is not signed, was changed, or is not a document.
    """
    signer = text_signer(text, keys)
    fields = json_object(text, kind)
    _check(text, fields, signer, keys)
    return fields


def check_seed(document: Document) -> None:
    """Raise RegisterError if the revealed seed does not match its SHA-256 in the document."""
    register = document.register
    if hashlib.sha256(register.plan.seed).hexdigest() != register.plan.seed_sha256:
        where = f"register {register.lesson.lesson_id} revision {register.revision}"
        raise RegisterError("reveals a seed that does not match its SHA-256", where)


def check_form(text: str, fields: Mapping[str, object]) -> None:
    """Raise RegisterError if a text is not the canonical form of its fields."""
    try:
        is_canonical = text == canonical(fields)
    except (ValueError, RecursionError):
        is_canonical = False
    if not is_canonical:
        raise RegisterError("was rewritten: it is not in the form in which devices write it", _where(fields))


def digest(text: str) -> str:
    """Return the SHA-256 of a document, to which the next document refers."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(text: str, fields: Mapping[str, object], signer: str | None, keys: Collection[str] | None) -> None:
    """Raise an error if the signature is missing, invalid or by another key, or if the text is not canonical."""
    named, where = fields.get("public_key"), _where(fields)
    if not isinstance(named, str) or fields.get("signature") is None:
        raise RegisterError(UNSIGNED, where)
    if signer is None or signer != named:
        if not is_signed_by(fields, named):
            raise RegisterError(_CHANGED, where)
        if keys is not None and named not in keys:
            device = fields.get("device")
            raise OtherKeyError(named, device if isinstance(device, str) else "", where)
    check_form(text, fields)


def _where(fields: Mapping[str, object]) -> str:
    lesson_id, revision, ref = fields.get("lesson_id"), fields.get("revision"), fields.get("ref")
    if isinstance(ref, str):
        return f"commitment {ref[:_LONGEST_ID]}"
    if isinstance(lesson_id, str) and isinstance(revision, int) and -1 < revision <= 2**63:
        return f"register {lesson_id[:_LONGEST_ID]} revision {revision}"
    return ""
