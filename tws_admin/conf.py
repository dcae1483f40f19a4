"""The settings: ``TWS_ADMIN`` in the project's settings module, checked, with its defaults.

The only module of this package that reads Django's settings.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from tws_admin.rules import problems

__all__ = ["Config", "auth_user_model", "get", "raw"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """``settings.TWS_ADMIN`` with its defaults."""

    read_only: bool = False
    """Nobody may disconnect anybody or send anything, whatever the permissions say."""
    metrics_path: str | None = None
    """Where Prometheus reads the metrics, such as ``/metrics``; None is nowhere."""
    metrics_token: str | None = None
    """Who sends it may read the metrics, without being a user; None is nobody."""
    engine: str = "thread"
    """Where progress tasks run: ``thread``, ``django`` or ``celery``."""
    task_threads: int = 4
    """How many progress tasks run at a time in the process of the server."""
    history: Mapping[str, int] = dataclasses.field(
        default_factory=lambda: {"days": 30, "count": 1000}
    )
    """How long ended progress tasks are kept, and how many of them."""
    toasts: bool = True
    """The end of a progress task is told on every page of the admin that its owner has open."""


@functools.cache
def get() -> Config:
    """Return the settings of this project.

    Raises:
        ImproperlyConfigured: with every mistake that makes them unusable.
    """
    given = raw()
    errors = [problem for problem in problems(given) if problem.id.startswith("E")]
    if errors:
        raise ImproperlyConfigured(" ".join(problem.message for problem in errors))
    fields = {field.name for field in dataclasses.fields(Config)}
    return Config(**{key: value for key, value in given.items() if key in fields})


def raw() -> Any:
    """Return ``settings.TWS_ADMIN`` as it stands, an empty dictionary when it is absent."""
    return getattr(settings, "TWS_ADMIN", {})


def auth_user_model() -> str:
    """Return what foreign keys to users refer to."""
    return settings.AUTH_USER_MODEL


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "TWS_ADMIN":
        get.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tws_admin.conf")
