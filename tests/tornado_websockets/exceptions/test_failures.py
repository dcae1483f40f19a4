"""Every error says what was expected, what came and what to do."""

from __future__ import annotations

import pytest

from tornado_websockets import exceptions as e


@pytest.mark.parametrize(
    ("error", "builtin", "sentence"),
    [
        (e.EncodeError("data.a", "a set"), TypeError, "data.a cannot be encoded as JSON: a set"),
        (e.InvalidMessageError("invalid_json", "No."), ValueError, "invalid_json: No."),
        (
            e.ServerNotRunningError("/chat"),
            RuntimeError,
            "nobody can receive what is sent on /chat: this process runs no server; send it from"
            " 'manage.py runtornado', or set TORNADO['layer'] = 'redis://127.0.0.1:6379/0' for all"
            " processes, which then reach its clients",
        ),
        (
            e.LayerUnavailableError("/chat", "no answer"),
            RuntimeError,
            "what is sent on /chat does not reach other processes: no answer",
        ),
    ],
)
def test_the_sentence_of_an_error(
    error: Exception, builtin: type[Exception], sentence: str
) -> None:
    assert str(error) == sentence
    assert isinstance(error, e.TornadoWebSocketsError)
    assert isinstance(error, builtin)
