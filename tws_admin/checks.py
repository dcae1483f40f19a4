"""System checks: mistakes in the settings, and apps that are missing, each with a hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.contrib.admin.sites import all_sites
from django.core.checks import CheckMessage, Error, Warning

from tornado_websockets.rules import Problem
from tws_admin import conf
from tws_admin.progress import actions, engines
from tws_admin.rules import ENGINES, problems

__all__ = ["check_apps", "check_engines", "check_settings", "missing_apps"]

# The model that the permissions hang on, and the pages that the monitor is one of.
NEEDED = ("tornado_websockets", "django.contrib.admin")


def check_settings(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what is wrong with ``settings.TWS_ADMIN`` (ids ``tws_admin.E001`` and on)."""
    given = conf.raw()
    return [_message(problem) for problem in (*problems(given), *_missing(given))]


def _missing(given: Any) -> Iterator[Problem]:
    wanted = given.get("metrics_path") if isinstance(given, Mapping) else None
    if wanted is not None and find_spec("prometheus_client") is None:
        yield Problem(
            "W002",
            f"TWS_ADMIN['metrics_path'] is {wanted!r}, but prometheus_client is not installed:"
            " there are no metrics.",
            'Install it with: pip install "django-tornado-websockets[prometheus]"',
        )


def check_apps(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report which apps the page needs that are not installed (id ``tws_admin.E010``)."""
    return [
        Error(
            f"The monitor needs {name!r} in INSTALLED_APPS, which is not there.",
            hint=f"Add {name!r} to INSTALLED_APPS, or take 'tws_admin' out.",
            id="tws_admin.E010",
        )
        for name in missing_apps()
    ]


def check_engines(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report which engines of progress tasks cannot work (ids ``tws_admin.E011`` and on)."""
    return [
        _message(problem)
        for name in sorted(_engines_in_use() - {"thread"})  # which needs nothing
        for problem in engines.engine(name).problems()
    ]


def _engines_in_use() -> set[str]:
    """Return the engine of the settings, and those that actions ask for."""
    given = conf.raw()
    usual = given.get("engine", "thread") if isinstance(given, Mapping) else "thread"
    asked = [
        action.options.engine
        for site in list(all_sites)
        for model in apps.get_models()
        if site.is_registered(model)
        for action in actions.of(site.get_model_admin(model)).values()
    ]
    # What is no engine at all is reported with the settings.
    return {name for name in ENGINES if name in (usual, *asked)}


def missing_apps() -> list[str]:
    """Return the apps that the page needs and that are not installed."""
    return [name for name in NEEDED if not apps.is_installed(name)]


def _message(problem: Problem) -> CheckMessage:
    kind = Error if problem.id.startswith("E") else Warning
    return kind(problem.message, hint=problem.hint, id=f"tws_admin.{problem.id}")
