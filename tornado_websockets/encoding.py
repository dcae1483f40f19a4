"""Values that JSON has no type for, encoded as Django does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise

from tornado_websockets import message
from tornado_websockets.message import Data

__all__ = ["default", "encode"]

PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = {
    # str() of a SafeString is the SafeString itself.
    str: str.__str__,
    int: int.__int__,
    dict: dict,
    list: list,
    tuple: list,
}
"""What a subclass of a JSON type is turned into; orjson asks, the standard library does not."""

_django_default = DjangoJSONEncoder().default


def default(value: Any) -> Any:
    """Return what stands for a value in JSON.

    Dates, times, durations, Decimal, UUID and lazy strings come out as from Django's
    ``DjangoJSONEncoder``, an Enum as its value, and what has a method ``__json__`` as what that
    returns.

    Raises:
        TypeError: nothing stands for it.
    """
    if isinstance(value, Enum):
        return value.value
    for kind, plain in PLAIN.items():
        if isinstance(value, kind):
            return plain(value)
    to_json = getattr(value, "__json__", None)
    if to_json is not None:
        return to_json()
    return _django_default(value)


def encode(event: str, data: Any = None) -> bytes:
    """Return the frame of an event; see `tornado_websockets.message.encode`."""
    kind = type(data)
    if kind is not dict and kind is not Data and isinstance(data, Promise):
        data = str(data)
    return message.encode(event, data, default=default)
