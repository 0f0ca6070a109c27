"""Tags and filters of the office's templates; they are known in every template."""

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
    """Return a share as a percentage; a dash for none."""
    return "–" if share is None else f"{share:.0%}"
