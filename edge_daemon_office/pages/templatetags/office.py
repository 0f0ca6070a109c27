"""Tags and filters of the office's templates; every template can use them."""

from __future__ import annotations

import math
from typing import Any, Final

from django import template

from edge_daemon_office.pages.wording import t as translated

register = template.Library()
_FLOAT_ERROR: Final = 1e-9


@register.simple_tag
def t(text: str, **values: Any) -> str:
    """Return a text in the language of the page."""
    return translated(text, **values)


@register.filter(name="t")
def t_filter(text: str) -> str:
    """Return a word in the language of the page."""
    return translated(text)


@register.filter
def percent(share: float | None) -> str:
    """Return a share as a percentage, or a dash for None."""
    return "–" if share is None else f"{share:.0%}"


@register.filter
def percent_down(share: float | None) -> str:
    """Return a share as a percentage rounded down, so that a rate below a limit never reads like the limit."""
    return "–" if share is None else f"{math.floor(100 * share + _FLOAT_ERROR)}%"
