"""System checks: mistakes in the settings, and hazards in production, each with a hint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from tornado_websockets import conf
from tornado_websockets.rules import Problem, problems

__all__ = ["check_deployment", "check_settings"]


def check_settings(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what is wrong with ``settings.TORNADO`` (ids ``tornado_websockets.E001`` and on)."""
    return _messages(problems(conf.raw()))


def check_deployment(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what is dangerous in production (``check --deploy``)."""
    # The server and all WebSockets of the project, which no other command needs.
    from tornado_websockets.discovery import discover
    from tornado_websockets.hazards import hazards
    from tornado_websockets.websocket import registry

    try:
        conf.get()
    except ImproperlyConfigured:
        return []  # check_settings says why
    discover()
    return _messages(hazards(registry.values()))


def _messages(found: Iterable[Problem]) -> list[CheckMessage]:
    return [
        (Error if problem.id.startswith("E") else Warning)(
            problem.message, hint=problem.hint, id=f"tornado_websockets.{problem.id}"
        )
        for problem in found
    ]
