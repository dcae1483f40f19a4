"""Imports the modules in which a project writes its WebSockets."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from django.utils.module_loading import autodiscover_modules

from tornado_websockets import conf

__all__ = ["MODULES", "discover"]

MODULES: Final = ("views", "websockets")
"""Modules of every installed app that are imported when the server starts."""


def discover() -> None:
    """Import `MODULES` of every installed app, and the project's URLs.

    The URLs lead to views outside the installed apps, as in a project of one file. A module that
    does not exist is passed over; one that fails to import raises what it raises.
    """
    autodiscover_modules(*MODULES)
    import_module(conf.root_urlconf())
