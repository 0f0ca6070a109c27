"""Tags and filters of the office's templates; every template can use them."""

from __future__ import annotations

from typing import Any

from django import template

from edge_daemon_office.pages.wording import t as translated

register = template.Library()


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
