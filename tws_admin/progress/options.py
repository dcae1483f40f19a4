"""How an action behaves: what `progress_action` takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from tws_admin.rules import ENGINES

__all__ = ["Options"]

ON_ERROR: Final = ("continue", "stop")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How an action behaves, see docs/progress-tasks.md.

    Raises:
        ValueError: one of them is something else than expected.
    """

    description: Any = None
    description_plural: Any = None
    permissions: Sequence[str] = ("change",)
    each: bool = False
    confirm: bool | str = False
    form: type[Any] | None = None
    on_error: str = "continue"
    atomic: bool | None = None
    chunk_size: int = 200
    max_items: int = 100_000
    single: bool = False
    engine: str | None = None
    location: Any = None

    def __post_init__(self) -> None:
        if isinstance(self.permissions, str):
            raise ValueError(f"permissions should be a list of names, got {self.permissions!r}")
        _check("on_error", self.on_error, ON_ERROR)
        if self.engine is not None:
            _check("engine", self.engine, ENGINES)
        for name in ("chunk_size", "max_items"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} should be a whole number of at least 1, got {value!r}")

    @property
    def is_atomic(self) -> bool:
        """Whether what the work does is one transaction: each object's by default."""
        return self.each if self.atomic is None else self.atomic

    @property
    def asks_first(self) -> bool:
        """Whether there is a page between the click and the work."""
        return bool(self.confirm) or self.form is not None


def _check(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} should be one of {', '.join(choices)}, got {value!r}")
