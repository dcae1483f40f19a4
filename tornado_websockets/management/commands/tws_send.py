"""Send an event to the clients of a WebSocket, from a shell."""

from __future__ import annotations

import difflib
import sys
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tornado.escape import json_decode

from tornado_websockets.discovery import discover
from tornado_websockets.exceptions import TornadoWebSocketsError
from tornado_websockets.paths import normalise
from tornado_websockets.websocket import WebSocket, registry

STDIN: Final = "-"
"""What stands for the data that is to be read from the standard input."""

MAX_SIMILAR: Final = 10
"""How many paths are named when there is none of the name that was given."""


class Command(BaseCommand):
    help = (
        "Send an event to the clients of a WebSocket, on all processes that serve it."
        " It needs a shared layer, TORNADO['layer']."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="Path of the WebSocket, like /chat.")
        parser.add_argument("event", help="Name of the event.")
        parser.add_argument(
            "data",
            nargs="?",
            metavar="JSON",
            help='An object, like \'{"id": 7}\', or a string, which is sent as its "message"; {}'
            " by default; - reads it from the standard input.",
        )
        to = parser.add_mutually_exclusive_group()
        to.add_argument(
            "--room",
            action="append",
            dest="rooms",
            help="Send it to who is in this room; may be given several times.",
        )
        to.add_argument("--user", metavar="PK", help="Send it to the user with this primary key.")

    def handle(self, *args: Any, **options: Any) -> None:
        discover()
        try:
            websocket = find(options["path"])
            data, event = parse(options["data"]), options["event"]
            if options["rooms"]:
                websocket.to(*options["rooms"]).broadcast(event, data)
            elif options["user"] is not None:
                websocket.to_user(key(options["user"])).broadcast(event, data)
            else:
                websocket.broadcast(event, data)
        except (ImproperlyConfigured, TornadoWebSocketsError, ValueError, TypeError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Sent {event!r} to {websocket.path}.")


def find(path: str) -> WebSocket:
    """Return the WebSocket of a path.

    Raises:
        CommandError: there is none; names those that there are, the most similar ones first.
        InvalidPathError: it is none that a WebSocket could have.
    """
    name = normalise(path)
    if name in registry:
        return registry[name]
    if not registry:
        raise CommandError(
            "the project has no WebSocket; write one in a views or websockets module"
        )
    similar = ", ".join(difflib.get_close_matches(name, registry, n=MAX_SIMILAR, cutoff=0.0))
    raise CommandError(f"there is no WebSocket on {name}; of {len(registry)} there are {similar}")


def key(text: str) -> str:
    """Return the primary key of a user.

    Raises:
        CommandError: it is empty, as a variable of a shell may be.
    """
    if not text.strip():
        raise CommandError(f"--user expects the primary key of a user, got {text!r}")
    return text


def parse(text: str | None) -> dict[str, Any] | str:
    """Return the data in a text of JSON.

    Raises:
        CommandError: it is neither an object nor a string.
    """
    if text is None:
        return {}
    if text == STDIN:
        text = sys.stdin.read()
    try:
        value: Any = json_decode(text)
    except (ValueError, RecursionError):
        raise CommandError(f"JSON is expected, like '{{\"id\": 7}}', got {text!r}") from None
    if not isinstance(value, (dict, str)):
        raise CommandError(f"a JSON object or string is expected, got {text!r}")
    return value
