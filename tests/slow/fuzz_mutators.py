"""Damages inputs for the fuzz command: their bytes, lines, JSON values, and the parts of a workbook."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

Files = dict[str, bytes]
"""An input: the content of each file by its name."""
MOST_BYTES: Final = 2 << 20
"""Maximum length; an input that grew by repetition is cut here."""
_REPEATED: Final = 256 << 10
_NUMBERS: Final = (
    *(b"0", b"-1", b"1", b"7", b"255", b"256", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967295"),
    *(b"9999999999", b"1e308", b"1E400", b"-0", b"0.5", b"9" * 400, b"9" * 5000, b"00000000"),
)
_WORDS: Final = (
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\r\n",
        b"\t",
        b'"',
        b'""',
        b"'",
        b"\\",
        b";",
        b",",
        b":",
        b"=",
        b"<",
        b">",
        b"&",
        b"%",
        b"|",
    ),
    *(
        b"\xff",
        b"\xfe\xff",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc3",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x98\x80",
    ),
    *(b"[", b"]", b"{", b"}", b"[" * 2000, b'{"a":' * 2000, b"../", b"/etc/passwd", b"=1+1", b"true", b"null", b"NaN"),
)
_VALUES: Final[Sequence[Any]] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, 2**63, 10**30, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan")),
    *("", " ", "\0", "\n", "\ud800", "é", "x" * 300, "x" * 20_000, "../../etc", "=1+1", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", [], {}, [[]], [None], {"": None}, {"a": {"a": {}}}),
)


def mutated_bytes(data: bytes, chance: random.Random, words: Sequence[bytes] = (), other: bytes = b"") -> bytes:
    """Return bytes with one to six damages.

    Args:
        data: the input.
        chance: source of random choices.
        words: words of the format, to be inserted unchanged.
        other: another input of the format, from which parts are inserted.
    """
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = chance.choice(_DAMAGES)(data, chance, (*_WORDS, *words), other)[:MOST_BYTES]
    return data


def _flip(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    begin, end = _span(data, chance, 16)
    return (
        data[:begin]
        + chance.choice((bytes(end - begin), b"\xff" * (end - begin), chance.randbytes(end - begin)))
        + data[end:]
    )


def _delete(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    begin, end = _span(data, chance, 4096)
    return data[:begin] + data[end:]


def _repeat(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    begin, end = _span(data, chance, 512)
    most = _REPEATED // max(1, end - begin)
    times = min(most, chance.choice((2, 2, 3, 10, 100, 10_000)))
    return data[:begin] + data[begin:end] * times + data[end:]


def _insert(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del other
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(words) + data[at + chance.choice((0, 0, 1, 4)) :]


def _cut(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    return data[: chance.randint(0, len(data))]


def _join(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words
    begin, end = _span(other, chance, 4096)
    at = chance.randint(0, len(data))
    return data[:at] + other[begin:end] + data[at + chance.choice((0, end - begin)) :]


def _number(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words, other
    found = list(re.finditer(rb"-?\d+", data[: 1 << 18]))
    if not found:
        return data
    one = chance.choice(found)
    digits = chance.choice((*_NUMBERS, *(chance.choice(found)[0] for _ in range(8))))
    return data[: one.start()] + digits + data[one.end() :]


def _lines(data: bytes, chance: random.Random, words: Sequence[bytes], other: bytes) -> bytes:
    del words
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return data
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(5)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at], lines[to] = lines[to], lines[at]
    elif kind == 2:
        lines[at:at] = [lines[to]] * min(chance.choice((1, 2, 50, 3000)), _REPEATED // max(1, len(lines[to])) + 1)
    elif kind == 3:
        lines[at:at] = [chance.choice(other.splitlines(keepends=True) or [b""])]
    else:
        begin, end = sorted((at, to))
        lines[end:end] = lines[begin:end]
    return b"".join(lines)


_DAMAGES: Final[Sequence[Callable[[bytes, random.Random, Sequence[bytes], bytes], bytes]]] = (
    *(_flip, _overwrite, _delete, _repeat, _insert, _insert, _cut, _join, _number, _number, _lines, _lines),
)


def mutated_json(value: Any, chance: random.Random) -> Any:
    """Return a JSON value with one to four parts replaced, removed, doubled, or nested deeper."""
    value = json.loads(json.dumps(value))
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(chance.choice(_VALUES))
        parent, key = chance.choice(places)
        kind = chance.randrange(6)
        if kind == 0:
            del parent[key]
        elif kind == 1:
            other = chance.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
            parent[key] = copy.deepcopy(parent[other])
        elif kind == 2:
            parent[key] = [copy.deepcopy(parent[key]) for _ in range(chance.choice((0, 1, 2, 300)))]
        elif kind == 3 and isinstance(parent, list):
            parent[key:key] = [copy.deepcopy(parent[key]) for _ in range(chance.choice((1, 2, 300)))]
        else:
            parent[key] = copy.deepcopy(chance.choice(_VALUES))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        found += _places(value[key])
    return found


def mutated_zip(data: bytes, chance: random.Random, words: Sequence[bytes] = ()) -> bytes:
    """Return a packed file with a damaged, missing or doubled part; the packing itself is valid."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    at = chance.randrange(len(parts))
    name, content = parts[at]
    kind = chance.randrange(8)
    if kind == 0:
        del parts[at]
    elif kind == 1:
        parts[at] = (parts[chance.randrange(len(parts))][0], content)
    else:
        parts[at] = (name, mutated_bytes(content, chance, words, content))
    return packed(parts)


def packed(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a packed file of these names and contents; the bytes do not depend on the time of day."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # a name that is there twice
        for part, body in parts:
            # A ZipInfo of its own has no date of now, as a bare name would get.
            archive.writestr(zipfile.ZipInfo(part), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _span(data: bytes, chance: random.Random, longest: int) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice((1, 2, 4, chance.randint(1, longest))))
