"""Which layer the settings ask for."""

from __future__ import annotations

import functools
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from tornado_websockets import conf, layerspec
from tornado_websockets.layers.audience import Audience
from tornado_websockets.layers.base import Layer
from tornado_websockets.layers.local import LocalLayer

__all__ = ["choose", "layer"]

audience = Audience()
"""Who is connected to this process."""


@functools.cache
def layer() -> Layer:
    """Return the layer of this process, made when it is asked for first.

    Raises:
        ImproperlyConfigured: ``TORNADO["layer"]`` is none.
    """
    return choose(conf.get().layer, audience)


def choose(spec: tuple[str, ...], audience: Audience) -> Layer:
    """Return a new layer.

    Args:
        spec: URLs of Redis servers, the dotted path of a class, or nothing for one process.
        audience: who is connected.

    Raises:
        ImproperlyConfigured: there is no such class.
    """
    if not spec:
        return LocalLayer(audience)
    if layerspec.is_url(spec[0]):
        # The package redis is an extra.
        from tornado_websockets.layers.redis import RedisLayer

        return RedisLayer(audience, spec)
    try:
        found: Any = import_string(spec[0])
    except ImportError as error:
        raise ImproperlyConfigured(f"TORNADO['layer'] cannot be imported: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Layer)):
        raise ImproperlyConfigured(
            "TORNADO['layer'] must name a subclass of tornado_websockets.layers.Layer, got"
            f" {found!r}."
        )
    own: type[Layer] = found
    return own(audience)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "TORNADO":
        layer.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tornado_websockets.layers.choice")
