"""Decodes the bytes of a CSV file: UTF-8, UTF-16, or the code page that fits the names best."""

from __future__ import annotations

import codecs
import unicodedata
from pathlib import Path
from typing import Final

from edge_daemon.errors import RosterError
from edge_daemon.gallery.class_list.table import Remark

MAX_BYTES: Final = 64 * 2**20
_CODE_PAGES: Final = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "mac_roman": "Mac Roman",
    "cp850": "MS-DOS (850)",
}
"""Code pages and their names for messages, in order of preference."""
_WESTERN: Final = frozenset("äöüßéèêëàâçîïìôòûùñáíóúåæøœãõ")
_CENTRAL: Final = frozenset("ąćęłńśźżčďěňřšťůýžőűășțşţ")
_PUNCTUATION: Final = frozenset("’‘“”„–—…€°«»·´§¿¡")
_SAMPLE_CHARS: Final = 60


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a list on disk.

    Raises:
        RosterError: the file can't be read, or is too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RosterError(f"is larger than {MAX_BYTES >> 20} MiB", str(path), "is this the roster?")
        return path.read_bytes()
    except OSError as error:
        raise RosterError(f"can't be read ({error.strerror})", str(path), "check the path and its rights") from error


def decoded_strictly(data: bytes, path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        RosterError: the file is not UTF-8; the message has the position.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _utf_16(data):
            raise RosterError("is UTF-16", str(path), "save it as 'CSV UTF-8' and import it again") from error
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise RosterError(
            f"is not UTF-8 (byte 0x{data[error.start]:02x})",
            f"{path}, line {line}, byte {column}",
            "save it as 'CSV UTF-8' and import it again",
        ) from error


def decoded(data: bytes) -> tuple[str, list[Remark]]:
    """Return the text of a file, and remarks on guesses about its encoding. Every file can be decoded."""
    remarks: list[Remark] = []
    code = _utf_16(data)
    if code:
        text = data.decode(code, "replace")
        remarks.append(Remark("read as UTF-16"))
    else:
        while data.startswith(codecs.BOM_UTF8):  # some programs write two
            data = data[len(codecs.BOM_UTF8) :]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text, remark = _by_guess(data)
            remarks.append(remark)
    # DOS programs end a file with Ctrl-Z.
    return text.lstrip("\ufeff").rstrip("\x1a"), remarks


def _utf_16(data: bytes) -> str:
    """Return the codec of a UTF-16 file, with or without a byte order mark; empty for another encoding."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    head = data[:400]
    half = len(head) // 2
    # Headers are mostly ASCII, so every second byte is 0.
    if half >= 10 and head[1::2].count(0) > 0.8 * half and not head[::2].count(0):
        return "utf-16-le"
    if half >= 10 and head[::2].count(0) > 0.8 * half and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _by_guess(data: bytes) -> tuple[str, Remark]:
    """Decode line by line, so that one pasted line in another encoding does not affect the other lines."""
    lines = data.splitlines(keepends=True)
    bad = [line for line in lines if not _is_utf_8(line)]
    joined = b"".join(bad)
    code = min(_CODE_PAGES, key=lambda page: _oddness(joined, page))
    text = "".join(line.decode("utf-8") if _is_utf_8(line) else line.decode(code, "replace") for line in lines)
    sample = " ".join(next(line for line in lines if not _is_utf_8(line)).decode(code, "replace").split())
    return text, Remark(f"is not UTF-8 and was read as {_CODE_PAGES[code]} by guess: {sample[:_SAMPLE_CHARS]!r}")


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _oddness(data: bytes, code: str) -> float:
    """Return how little a text looks like names, as a sum over its characters outside ASCII.

    Symbols, letters that Western names do not have, and capitals after lower-case letters raise the sum.
    """
    odd = 0.0
    before = " "
    for sign in data.decode(code, "replace"):
        if not sign.isascii():
            odd += _oddness_of(sign, before)
        before = sign
    return odd


def _oddness_of(sign: str, before: str) -> float:
    if sign == "\ufffd" or unicodedata.category(sign) == "Cc":
        return 5.0
    if not sign.isalpha():
        return 1.0 if sign in _PUNCTUATION and not before.isalpha() else 2.0
    odd = 0.0 if sign.lower() in _WESTERN else 0.25 if sign.lower() in _CENTRAL else 1.0
    return odd + (2.0 if sign.isupper() and before.islower() else 0.0)
