"""The look of a workbook's cell as a short text."""

from __future__ import annotations

from typing import Any


def look(cell: Any) -> str:
    """Return font, background, alignment, border and number format of a cell; default values are left out."""
    font, place = cell.font, cell.alignment
    words = [f"{font.name} {font.sz:g}"]
    words += [
        word for word, is_on in (("bold", font.b), ("italic", font.i), ("underlined", font.u == "single")) if is_on
    ]
    if font.color is not None and isinstance(font.color.rgb, str):
        words.append(f"ink {font.color.rgb[2:]}")
    if cell.fill.fill_type == "solid":
        words.append(f"ground {cell.fill.fgColor.rgb[2:]}")
    words += [word for word in (place.horizontal, place.vertical and f"v{place.vertical}") if word]
    words += ["wrapped"] if place.wrap_text else []
    words += [_frame(cell.border)] if _frame(cell.border) else []
    words += [f"as {cell.number_format}"] if cell.number_format != "General" else []
    return ", ".join(words)


def _frame(border: Any) -> str:
    sides = {name: getattr(border, name) for name in ("left", "right", "top", "bottom")}
    drawn = {name: f"{side.style} {side.color.rgb[2:]}" for name, side in sides.items() if side and side.style}
    if len(drawn) == 4 and len(set(drawn.values())) == 1:
        return f"frame {drawn['left']}"
    return " ".join(f"{name} {style}" for name, style in drawn.items())
