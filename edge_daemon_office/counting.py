"""Numbers with their noun."""

from __future__ import annotations


def counted(number: int, noun: str, several: str = "") -> str:
    """Return a number with its noun, such as `1 mail` or `2 mails`.

    Args:
        number: how many there are.
        noun: the noun for one.
        several: the plural of the noun; needed if it is not the noun with an s at its end.
    """
    return f"{number} {noun if number == 1 else several or noun + 's'}"
