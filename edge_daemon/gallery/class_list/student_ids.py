"""Detects student ids that a spreadsheet damaged. Such an id is refused because it could be another student's."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

_EXCEL_DIGITS: Final = 15
_MONTHS: Final = (
    "jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez"
    "|janv|févr|fev|mars|avr|juin|juil|août|aou|déc|ene|abr|ago|dic"
)
_SCIENTIFIC: Final = re.compile(r"\d(?:[.,]\d+)?[eE][+-]\d{2,}")
_FORMULA: Final = re.compile(
    r"[=＝]\s*(?:(?:[A-Za-z]+\()?\s*(?:\".*\"|'.*'|\d+)\s*\)?"  # ="007"
    r"|\+?(?:(?:'[^']*'|[\w.\[\]]+)!)?\$?[A-Za-z]{1,3}\$?\d{1,7}"  # =Sheet1!A2
    r"|[A-Za-z][\w.]*\(.*\))",  # =VLOOKUP(A2;B:C;2)
    re.DOTALL,
)
_NOTHING: Final = re.compile(r"nan|NaN|NaT|None|NULL|null|undefined|[nN]/[aA]|<NA>")
_ERROR: Final = re.compile(r"#+|#[A-ZÄÖÜÉÀÑ¡/0-9_]+[!?]?", re.IGNORECASE)
_DATE: Final = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?:[ T]\d{1,2}:\d{2}.*)?"
    r"|\d{4}(?:-\d{2}-\d{2}|[./](?:0?[1-9]|1[0-2])[./](?:0?[1-9]|[12]\d|3[01]))(?:[ T]\d{1,2}:\d{2}.*)?"
    rf"|\d{{1,2}}[-. ]{{1,2}}(?:{_MONTHS})\.?(?:[- ]\d{{2,4}})?"
    rf"|(?:{_MONTHS})\.?[- ]\d{{1,4}}",
    re.IGNORECASE,
)
_DECIMAL: Final = re.compile(r"\d{2,}[.,]0+")
_JOINERS: Final = "\u200c\u200d"


def damage(student_id: str) -> str:
    """Return how a spreadsheet damaged an id, in words; empty without visible damage."""
    hidden = _hidden(student_id)
    if hidden:
        return f"the student_id {student_id!r} has an invisible character ({hidden})"
    kinds = (
        (_SCIENTIFIC, "was shortened by a spreadsheet to {}: its last digits are lost"),
        (_FORMULA, "is a formula ({})"),
        (_NOTHING, "is what a program writes for an empty cell ({})"),
        (_ERROR, "is an error of a spreadsheet ({})"),
        (_DATE, "is a date ({}): a spreadsheet made one of it"),
        (_DECIMAL, "has decimals ({}): a spreadsheet made a number of it"),
    )
    for pattern, words in kinds:
        if pattern.fullmatch(student_id):
            return f"the student_id {words.format(repr(student_id))}"
    if student_id.isdecimal() and len(student_id) > _EXCEL_DIGITS and not student_id[_EXCEL_DIGITS:].strip("0"):
        return f"the student_id {student_id!r} lost the digits after the fifteenth to a spreadsheet"
    if "\ufffd" in student_id or is_misread(student_id):
        return f"the student_id {student_id!r} was saved in one encoding and read in another"
    return ""


def is_misread(text: str) -> bool:
    """Return whether a text is UTF-8 that a program read as Windows-1252: `MÃ¼ÃŸig`."""
    if text.isascii():
        return False
    try:
        again = text.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return False
    return again != text


def lost_zeros(student_ids: Iterable[str], padded: Iterable[str] = ()) -> Mapping[str, str]:
    """Return ids that lost leading zeros, each with its probable original form.

    A loss is certain only if other ids show the original form: most ids of the list, or ids known from before.

    Args:
        student_ids: the ids of the list.
        padded: ids that are known from before.
    """
    ids, enrolled = list(student_ids), frozenset(padded)
    known = {one.lstrip("0"): one for one in enrolled if one.isdecimal() and one.startswith("0")}
    widths = Counter(len(one) for one in ids if one.isdecimal() and one.startswith("0") and len(one) > 1)
    width = next(iter(widths)) if len(widths) == 1 else 0
    if 2 * sum(len(one) == width for one in ids if one.isdecimal()) < sum(map(str.isdecimal, ids)):
        width = 0  # leading zeros are the exception in this list
    found: dict[str, str] = {}
    present = set(ids)
    for one in ids:
        if not one.isdecimal() or one.startswith("0") or one in enrolled:
            continue
        if one in known and known[one] not in present:
            found[one] = known[one]
        elif len(one) < width:
            found[one] = one.zfill(width)
    return found


def maybe_lost_zeros(student_ids: Iterable[str]) -> tuple[str, ...]:
    """Return numeric ids that are shorter than nearly all others, and so may have lost a leading zero.

    One in ten random ids begins with a zero.
    """
    ids = [one for one in student_ids if one.isdecimal()]
    lengths = Counter(map(len, ids))
    if len(lengths) < 2 or any(one.startswith("0") for one in ids):
        return ()
    usual, count = lengths.most_common(1)[0]
    is_rule = usual >= 5 and count >= 0.75 * len(ids) and count >= 4 and usual == max(lengths)
    return tuple(one for one in ids if len(one) < usual) if is_rule else ()


def _hidden(student_id: str) -> str:
    """Return the name of an invisible character in an id; empty if there is none.

    Joiners within non-Latin scripts and emoji are allowed.
    """
    for at, sign in enumerate(student_id):
        if sign in _JOINERS:
            before, after = student_id[at - 1 : at], student_id[at + 1 : at + 2]
            if before and after and not before.isascii() and not after.isascii():
                continue
        category = unicodedata.category(sign)
        if category == "Cf" or (category == "Zs" and sign != " ") or category in ("Zl", "Zp"):
            return unicodedata.name(sign, f"U+{ord(sign):04X}").lower()
    return ""
