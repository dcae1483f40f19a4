"""System checks: mistakes in the settings, each with a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from tws_admin import conf
from tws_admin.rules import problems

__all__ = ["check_settings"]


def check_settings(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Report what is wrong with ``settings.TWS_ADMIN`` (ids ``tws_admin.E001`` and on)."""
    return [
        (Error if problem.id.startswith("E") else Warning)(
            problem.message, hint=problem.hint, id=f"tws_admin.{problem.id}"
        )
        for problem in problems(conf.raw())
    ]
