"""Which callback an event calls, and with which arguments."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from tornado import gen

from tornado_websockets.events import Callback, Events
from tornado_websockets.exceptions import DuplicateEventError, NotCallableError


def call(function: Callable[..., Any]) -> Any:
    return Callback(function).call("context", "socket", "data")


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_a_callback_gets_what_it_asks_for_by_name() -> None:
    def nothing() -> Any:
        return ()

    def some(data: Any, socket: Any) -> Any:
        return data, socket

    def everything(self: Any, socket: Any, data: Any) -> Any:
        return self, socket, data

    def keyword_only(*, socket: Any) -> Any:
        return socket

    def positional_only(data: Any, /, socket: Any) -> Any:
        return data, socket

    def with_default(extra: int = 1, *args: Any, data: Any, **kwargs: Any) -> Any:
        return extra, args, data, kwargs

    def default_between(socket: Any, extra: int = 1, data: Any = None) -> Any:
        return socket, extra, data

    assert call(nothing) == ()
    assert call(some) == ("data", "socket")
    assert call(everything) == ("context", "socket", "data")
    assert call(keyword_only) == "socket"
    assert call(positional_only) == ("data", "socket")
    assert call(with_default) == (1, (), "data", {})
    assert call(default_between) == ("socket", 1, "data")


def test_a_decorated_callback_is_called_as_what_it_wraps() -> None:
    def some(data: Any, socket: Any) -> Any:
        return data, socket

    assert call(decorated(some)) == ("data", "socket")


def test_a_bound_method_has_its_self_already() -> None:
    class Chat:
        def message(self, data: Any) -> Any:
            return type(self), data

    assert call(Chat().message) == (Chat, "data")


def test_coroutines_are_asynchronous_and_functions_are_not() -> None:
    def plain() -> None: ...

    async def native() -> None: ...

    @gen.coroutine
    def tornado() -> Iterator[None]:
        yield

    assert [Callback(f).is_async for f in (plain, native, tornado)] == [False, True, True]


def lambda_() -> Any:
    return lambda: None


def generator() -> Iterator[None]:
    yield


async def asynchronous_generator() -> AsyncIterator[None]:
    yield


def too_much(socket: Any, message: Any) -> None: ...


def tws_ping() -> None: ...


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (None, "expected a function or a method"),
        ("message", "expected a function or a method"),
        (lambda_(), "no usable __name__"),
        (functools.partial(print), "no usable __name__"),
        (generator, "a generator, which would never run"),
        (asynchronous_generator, "asynchronous generator"),
        (
            too_much,
            "its argument 'message' cannot be filled; a callback takes any of self, socket, data",
        ),
        (tws_ping, "the server itself answers tws_ping; name it otherwise"),
    ],
)
def test_what_no_event_could_call_is_refused_at_registration(function: Any, reason: str) -> None:
    with pytest.raises(NotCallableError, match=reason) as caught:
        Events("/chat").add(function)
    assert isinstance(caught.value, TypeError)
    assert repr(function) in str(caught.value)


def test_a_second_callback_for_an_event_is_refused_with_both_places() -> None:
    events = Events("/chat")

    def message() -> None: ...

    first = events.add(message)

    def message() -> None: ...  # type: ignore[no-redef]

    with pytest.raises(DuplicateEventError) as caught:
        events.add(message)
    assert first.place in str(caught.value)
    assert "'message' of /chat" in str(caught.value)
    assert str(caught.value).count("(line ") == 2


def test_events_are_found_by_name_behind_their_prefix() -> None:
    events = Events("/chat")

    def start() -> None: ...

    callback = events.add(start, "module_progressbar_")
    assert events.get("module_progressbar_start") is callback
    assert events.get("start") is None
    assert list(events) == ["module_progressbar_start"]
    assert len(events) == 1


def test_hooks_run_in_addition_to_the_callback_and_before_it() -> None:
    events = Events("/chat")

    def open() -> None: ...

    callback = events.add(open)

    def open() -> None: ...  # type: ignore[no-redef]

    hook = events.add_hook(open)
    assert events.lifecycle("open") == [hook, callback]
    assert events.lifecycle("close") == []


def test_a_hook_is_for_a_lifecycle_event() -> None:
    with pytest.raises(NotCallableError, match="named open or close, not generator"):
        Events("/chat").add_hook(lambda_and_name("generator"))


def lambda_and_name(name: str) -> Callable[[], None]:
    def function() -> None: ...

    function.__name__ = name
    return function


def test_a_callback_tells_where_it_is() -> None:
    async def message() -> None: ...

    assert "async def" in repr(Callback(message))
    assert f"{__name__}:test_a_callback_tells_where_it_is.<locals>.message (line" in repr(
        Callback(message)
    )


def test_a_callable_object_with_a_name_has_no_line() -> None:
    class Handler:
        __name__ = "message"
        __qualname__ = "Handler"

        def __call__(self, data: Any) -> Any:
            return data

    assert call(Handler()) == "data"
    assert "line" not in Callback(Handler()).place
