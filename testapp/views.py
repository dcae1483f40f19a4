"""The pages. What happens in them over WebSockets is in `testapp/websockets/`."""

from __future__ import annotations

from inspect import getsource

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from testapp import websockets
from testapp.models import ChatMessage


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "testapp/index.html", {"source": getsource(websockets.echo)})


def chat(request: HttpRequest) -> HttpResponse:
    limits = {"author": ChatMessage.AUTHOR_MAX_LENGTH, "text": ChatMessage.TEXT_MAX_LENGTH}
    return render(
        request, "testapp/chat.html", {"source": getsource(websockets.chat), "limits": limits}
    )


def echo(request: HttpRequest) -> HttpResponse:
    return render(request, "testapp/echo.html", {"source": getsource(websockets.echo)})


def progress(request: HttpRequest) -> HttpResponse:
    return render(request, "testapp/progress.html", {"source": getsource(websockets.progress)})
