"""The page that is measured over HTTP."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def hello(_request: HttpRequest) -> HttpResponse:
    """Say hello."""
    # Content-Length would come from a middleware.
    return HttpResponse("Hello, world!", headers={"Content-Length": 13})
