"""The JSON envelope of the wire protocol: ``{"event": "name", "data": {…}}``, both ways.

Pure: no I/O. orjson does the work when it is installed, the standard library otherwise, with the
same refusals and the same results, but for integers beyond 64 bits, which orjson reads as floats.
Whatever orjson cannot encode is tried again by the standard library, which then either encodes it
(an integer key, say) or tells precisely what is wrong.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from tornado_websockets.exceptions import EncodeError, InvalidMessageError

orjson: Any
try:
    import orjson
except ImportError:  # the extra [speedups] is not installed
    orjson = None

__all__ = ["PING", "PONG", "WARNINGS", "Data", "decode", "encode", "refusal", "warning"]

WARNINGS: Final[Mapping[str, str]] = {
    "invalid_json": "Invalid JSON was sent.",
    "not_an_object": "The JSON should be an object.",
    "missing_event": "There is no event in this JSON.",
    "invalid_data": "The data should be a dictionary.",
    "unknown_event": "There is no such event.",
    "reserved_event": "This event belongs to the server.",
    "binary_not_supported": "Binary messages are not supported.",
    "too_many_messages": "You send too much: wait before you send more.",
    "handler_error": "The event could not be handled.",
}
"""The codes of the ``warning`` event, each with the sentence that the client gets."""

PING: Final = "tws_ping"
"""The event by which a client asks whether the server is there; a page sees nothing of the pings of
RFC 6455."""

PONG: Final = "tws_pong"
"""The event that answers it."""

MAX_KEY_PATH_DEPTH: Final = 20
"""How deep the key path of an error goes; a value that contains itself has no end."""


class Data(dict[str, Any]):
    """The data of an event: a dict whose keys also read as attributes, at any depth.

    ``data.user.name`` is ``data["user"]["name"]``. A key that is also a method of dict, such as
    ``items``, needs the brackets.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            value = self[name]
        except KeyError:
            keys = ", ".join(sorted(map(repr, self))) or "no key at all"
            raise AttributeError(f"the data has no key {name!r}, it has {keys}") from None
        if type(value) is dict:
            # Converted where it stands, so that a change made through the attribute stays.
            value = self[name] = Data(value)
        return value


def decode(frame: str | bytes, max_depth: int | None = None) -> tuple[str, Data]:
    """Return event and data of a frame, a text or its bytes in UTF-8.

    Args:
        frame: what was received.
        max_depth: objects and lists inside one another that are taken; None leaves it to the
            parser, which takes about a thousand.

    Raises:
        InvalidMessageError: with the code of what is wrong; nothing else is ever raised.
    """
    try:
        envelope = _loads(frame)
    except (ValueError, RecursionError):
        # 100 000 brackets are a RecursionError, everything else is a ValueError.
        raise refusal("invalid_json") from None
    if type(envelope) is not dict:
        raise refusal("not_an_object")
    # A level takes two characters, its brackets: most frames are too short to be deep.
    if (
        max_depth is not None
        and len(frame) > 2 * max_depth
        and _is_deep(frame, envelope, max_depth)
    ):
        raise refusal("invalid_json")
    event: Any = envelope.get("event")
    if type(event) is not str or not event:
        raise refusal("missing_event")
    data: Any = envelope.get("data")
    if data is None:
        return event, Data()
    if type(data) is not dict:
        raise refusal("invalid_data")
    return event, Data(data)


def encode(event: str, data: Any = None, *, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return the frame of an event, in UTF-8.

    Args:
        event: name of the event.
        data: a mapping; None is ``{}``; a string is ``{"message": string}``.
        default: what JSON has no type for → what it has one for, or TypeError (see `json`).

    Raises:
        TypeError: event is no string, or data is neither mapping nor string.
        EncodeError: a value in data cannot be encoded; names its key path.
    """
    if type(event) is not str or not event:
        _refuse_event(event)
    if data is None:
        data = {}
    elif type(data) is Data:  # what an echo sends
        data = {**data}
    elif type(data) is not dict:
        data = _as_dict(event, data)
    return _dumps({"event": event, "data": data}, default)


def warning(code: str) -> bytes:
    """Return the frame of the ``warning`` event for a code of `WARNINGS`."""
    return encode("warning", {"code": code, "message": WARNINGS[code]})


def refusal(code: str) -> InvalidMessageError:
    """Return the error for a code of `WARNINGS`."""
    return InvalidMessageError(code, WARNINGS[code])


def _is_deep(frame: str | bytes, envelope: dict[str, Any], max_depth: int) -> bool:
    """Tell whether the envelope in a frame is nested deeper than that, without recursion."""
    if isinstance(frame, str):
        brackets = frame.count("{") + frame.count("[")
    else:
        brackets = frame.count(b"{") + frame.count(b"[")
    if brackets <= max_depth:
        return False
    level: list[Any] = [envelope]
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def _as_dict(event: str, data: Any) -> dict[str, Any]:
    if isinstance(data, str):
        return {"message": data}
    if not isinstance(data, Mapping):
        raise TypeError(
            f"the data of event {event!r} should be a dictionary or a string,"
            f" got {type(data).__name__}: {data!r}"
        )
    return dict(data)


def _refuse_event(event: Any) -> None:
    if not isinstance(event, str) or not event:
        raise TypeError(f"event should be a string with a name in it, got {event!r}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is too large for a number")
    return value


def _loads_standard(frame: str | bytes) -> Any:
    text = frame if isinstance(frame, str) else frame.decode()
    value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    if "\\u" in text:
        # A lone surrogate could be read, but never sent again.
        _encoder(None).encode(value).encode()
    return value


@functools.lru_cache(maxsize=8)
def _encoder(default: Callable[[Any], Any] | None) -> json.JSONEncoder:
    return json.JSONEncoder(
        default=default, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _dumps_standard(envelope: dict[str, Any], default: Callable[[Any], Any] | None) -> bytes:
    try:
        return _encoder(default).encode(envelope).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _explain(envelope["data"], "data", default, error) from error


def _dumps_orjson(envelope: dict[str, Any], default: Callable[[Any], Any] | None) -> bytes:
    try:
        frame: bytes = _orjson_dumps(envelope, default, _ORJSON_OPTIONS)
    except TypeError:
        return _dumps_standard(envelope, default)
    # orjson writes NaN and infinity as null, which would lose them silently. The operator `in`
    # takes 0.3 µs for a short frame, find() a sixth of it.
    if frame.find(b"null") >= 0:
        return _dumps_standard(envelope, default)
    return frame


if orjson is None:
    _loads, _dumps = _loads_standard, _dumps_standard
else:
    _orjson_dumps = orjson.dumps
    _loads = _loads_orjson = orjson.loads
    _dumps = _dumps_orjson
    # Dates, dataclasses and subclasses go to `default`, to come out as they do without orjson.
    _ORJSON_OPTIONS = (
        orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )


def _explain(
    value: Any, path: str, default: Callable[[Any], Any] | None, error: Exception, depth: int = 0
) -> EncodeError:
    """Return the error that names the first value of a tree that cannot be encoded alone."""
    if depth < MAX_KEY_PATH_DEPTH:
        for key, child in _children(value):
            try:
                _encoder(default).encode({key: child}).encode()
            except (TypeError, ValueError, RecursionError) as child_error:
                step = f".{key}" if isinstance(value, dict) else f"[{key}]"
                return _explain(child, path + step, default, child_error, depth + 1)
    return EncodeError(path, str(error))


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    return []
