"""Answers 404 to a request with the sign U+0000, which no page needs and PostgreSQL refuses with an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse

_ZERO: Final = "\0"


class ZeroSignMiddleware:
    """Refuses U+0000 in the address and in the fields of a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; raises Http404."""
        fields = [*request.GET.lists(), *request.POST.lists()]
        if _ZERO in request.path_info or any(_ZERO in text for name, texts in fields for text in (name, *texts)):
            raise Http404
        return self._get_response(request)
