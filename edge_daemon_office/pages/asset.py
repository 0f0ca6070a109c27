"""The one style sheet."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified


@cache
def _style() -> tuple[bytes, str]:
    data = (Path(__file__).parent / "static_files" / "office.css").read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def style(request: HttpRequest) -> HttpResponse:
    """Return the style sheet, which browsers keep for a day."""
    data, tag = _style()
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    headers = {"ETag": tag, "Cache-Control": "max-age=86400"}
    return HttpResponse(data, content_type="text/css; charset=utf-8", headers=headers)
