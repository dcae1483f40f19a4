"""Every error says what was expected, what came and what to do."""

from __future__ import annotations

import pytest

from tornado_websockets import exceptions as e


@pytest.mark.parametrize(
    ("error", "builtin", "sentence"),
    [
        (
            e.NotCallableError(1, "write a function"),
            TypeError,
            "cannot use 1 as a callback: write a function",
        ),
        (e.InvalidInstanceError(1, "a Module"), TypeError, "expected a Module, got int: 1"),
        (
            e.InvalidPathError(" "),
            ValueError,
            "the path of a WebSocket needs a name, like '/chat', got ' '",
        ),
        (
            e.InvalidRoomError("a\n"),
            ValueError,
            "a room is a string of 1 to 200 characters, no control ones, got 'a\\n'",
        ),
        (
            e.EventTooLargeError("news", "10 rooms", 11, "send to one"),
            ValueError,
            "event 'news' takes at most 10 rooms, got 11: send to one",
        ),
        (
            e.TooManyRoomsError("lobby", 50),
            RuntimeError,
            "cannot join 'lobby': limits['rooms'] is 50; leave a room first",
        ),
        (
            e.DuplicateEventError("open", "/chat", "a:open", "b:open"),
            ValueError,
            "event 'open' of /chat has a callback already, a:open; rename the second one, b:open",
        ),
        (
            e.DuplicatePathError("/chat", "a:1", "b:2"),
            ValueError,
            "WebSocket('/chat') at b:2: this path is taken by the one at a:1; import that one, or"
            " choose another path",
        ),
        (
            e.DuplicateModuleError("bar", "/chat"),
            ValueError,
            "/chat has a module like 'bar' already: give it another name",
        ),
        (
            e.EmitHandlerError("news", "/chat"),
            RuntimeError,
            "cannot emit 'news' on /chat: emit() works inside a callback only; use"
            " broadcast('news', …), which works anywhere",
        ),
        (
            e.ModuleNotBoundError("bar"),
            RuntimeError,
            "'bar' belongs to no WebSocket yet: call websocket.bind(module) first",
        ),
    ],
)
def test_the_sentence_of_an_error(
    error: Exception, builtin: type[Exception], sentence: str
) -> None:
    assert str(error) == sentence
    assert isinstance(error, e.TornadoWebSocketsError)
    assert isinstance(error, builtin)
