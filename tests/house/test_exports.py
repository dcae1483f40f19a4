"""The documented names are where the documentation says, with the documented arguments."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import load_command_class

from tornado_websockets.websocket import WebSocket

EMPTY = inspect.Parameter.empty

# The documented arguments, with their defaults.
CALLABLES: dict[str, dict[str, Any]] = {
    "tornado_websockets:django_app": {},
    "tornado_websockets.websocket:WebSocket": {"path": EMPTY},
    "tornado_websockets.websocket:WebSocket.on": {"callback": EMPTY},
    "tornado_websockets.websocket:WebSocket.emit": {"event": EMPTY, "data": None},
    "tornado_websockets.websocket:WebSocket.broadcast": {"event": EMPTY, "data": None},
    "tornado_websockets.websocket:WebSocket.bind": {"module": EMPTY},
    "tornado_websockets.websockethandler:WebSocketHandler.initialize": {"websocket": EMPTY},
    "tornado_websockets.websockethandler:WebSocketHandler.on_message": {"message": EMPTY},
    "tornado_websockets.websockethandler:WebSocketHandler.on_close": {},
    "tornado_websockets.tornadowrapper:TornadoWrapper.start_app": {
        "handlers": None,
        "settings": None,
    },
    "tornado_websockets.tornadowrapper:TornadoWrapper.listen": {"port": EMPTY},
    "tornado_websockets.tornadowrapper:TornadoWrapper.loop": {},
    "tornado_websockets.tornadowrapper:TornadoWrapper.add_handler": {"handler": EMPTY},
    "tornado_websockets.modules:ProgressBar": {
        "name": "",
        "min": 0,
        "max": 100,
        "indeterminate": False,
    },
    "tornado_websockets.modules:ProgressBar.tick": {"label": None},
    "tornado_websockets.modules:ProgressBar.reset": {},
    "tornado_websockets.modules:ProgressBar.is_done": {},
    "tornado_websockets.modules:ProgressBar.on": {"callback": EMPTY},
    "tornado_websockets.modules:ProgressBar.emit_init": {},
    "tornado_websockets.modules:ProgressBar.emit_update": {"label": None},
    "tornado_websockets.modules:ProgressBar.emit_done": {},
}

EXCEPTIONS = ["NotCallableError", "EmitHandlerError", "InvalidInstanceError"]

STATIC_FILES = [
    f"{name}.{suffix}"
    for name in ("client", "modules/progress_bar")
    for suffix in ("js", "mjs", "d.ts", "d.mts")
]


def find(path: str) -> Any:
    """Import what a path such as ``package.module:Class.method`` names."""
    module, _, names = path.partition(":")
    found = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found


def parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    found = list(inspect.signature(function).parameters.values())
    return found[1:] if found and found[0].name == "self" else found


@pytest.mark.parametrize(("path", "documented"), CALLABLES.items(), ids=list(CALLABLES))
def test_documented_arguments(path: str, documented: dict[str, Any]) -> None:
    """The documented arguments come first, in their order, and can be given by place or name."""
    positional = {
        parameter.name: parameter.default
        for parameter in parameters(find(path))
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    }
    assert positional == documented
    assert list(positional) == list(documented)


@pytest.mark.parametrize("path", CALLABLES)
def test_further_arguments_are_optional_keywords(path: str) -> None:
    """What this project adds is given by name, and can be left out."""
    for parameter in parameters(find(path)):
        assert parameter.kind in {
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        }
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert parameter.default is not EMPTY, f"{path}: {parameter.name} has no default"


def test_a_connection_emits_to_its_client() -> None:
    """The documentation always gives data; the event alone may do, as on the WebSocket."""
    emit = find("tornado_websockets.websockethandler:WebSocketHandler.emit")
    assert [parameter.name for parameter in parameters(emit)] == ["event", "data"]


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_have_one_base(name: str) -> None:
    """Whoever catches TornadoWebSocketsError catches each of them."""
    base = find("tornado_websockets.exceptions:TornadoWebSocketsError")
    assert issubclass(find(f"tornado_websockets.exceptions:{name}"), base)


def test_modules_can_be_written() -> None:
    """Module is the abstract base of ProgressBar."""
    module = find("tornado_websockets.modules:Module")
    assert issubclass(find("tornado_websockets.modules:ProgressBar"), module)
    assert inspect.isabstract(module)


def test_a_websocket_gives_its_connections() -> None:
    """A WebSocket reads like a sequence of its handlers, and has a context to set."""
    websocket = WebSocket("/tests/house/exports")
    assert len(websocket) == 0
    assert list(websocket) == []
    assert list(websocket.handlers) == []
    with pytest.raises(IndexError):
        websocket[0]
    websocket.context = self = object()
    assert websocket.context is self


@pytest.mark.parametrize("name", ["id", "ip", "connected_at"])
def test_a_connection_says_who_it_is(name: str) -> None:
    """Callbacks learn who is at the other end from the socket that they are given."""
    handler = find("tornado_websockets.websockethandler:WebSocketHandler")
    born_here = re.search(rf"\bself\.{name}\b[^=\n]* = ", inspect.getsource(handler))
    assert hasattr(handler, name) or born_here


def test_runtornado_takes_an_address() -> None:
    """The command is there, and its one positional argument may be left out."""
    command = load_command_class("tornado_websockets", "runtornado")
    parser = command.create_parser("manage.py", "runtornado")
    assert parser.parse_args(["[::1]:8000"]).addrport == ["[::1]:8000"]
    assert not parser.parse_args([]).addrport


@pytest.mark.parametrize("name", STATIC_FILES)
def test_static_files_are_found(name: str) -> None:
    """Templates reach the client, and type checkers its types, under the documented names."""
    assert finders.find(f"tornado_websockets/{name}") is not None
    assert files("tornado_websockets").joinpath("static/tornado_websockets", name).is_file()
