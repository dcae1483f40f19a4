"""Numbers as people read them: localised, with their unit, and a dash for none.

The page's scripts (``format.js``) write them the same way, so that nothing jumps when they take
over.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Final

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

__all__ = ["NONE", "STYLES", "write"]

NONE: Final = "–"
"""What stands for a number that there is not."""

_BYTES: Final = [
    gettext_lazy("%(amount)s byte"),
    gettext_lazy("%(amount)s kB"),
    gettext_lazy("%(amount)s MB"),
    gettext_lazy("%(amount)s GB"),
    gettext_lazy("%(amount)s TB"),
]
_DURATIONS: Final = [
    (gettext_lazy("%(amount)s d"), 86400),
    (gettext_lazy("%(amount)s h"), 3600),
    (gettext_lazy("%(amount)s min"), 60),
    (gettext_lazy("%(amount)s s"), 1),
]


def write(value: float | None, style: str) -> str:
    """Return a number as text, in a style of `STYLES`; `NONE` for None and for no number."""
    return NONE if value is None or not math.isfinite(value) else STYLES[style](value)


def _number(value: float) -> str:
    """Return a number with as many digits behind the point as make three that count."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{round(value, digits):.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    return number_format(text, len(text.partition(".")[2]), force_grouping=True)


def _rate(value: float) -> str:
    return _("%(amount)s/s") % {"amount": _number(value)}


def _bytes(value: float) -> str:
    index = 0
    # 999.5 kB would be written as 1,000 kB.
    while abs(value) >= 999.5 and index < len(_BYTES) - 1:
        value /= 1000
        index += 1
    return str(_BYTES[index]) % {"amount": _number(value if index else round(value))}


def _byte_rate(value: float) -> str:
    return _("%(amount)s/s") % {"amount": _bytes(value)}


def _ms(value: float) -> str:
    if abs(value) >= 1000:
        return _("%(amount)s s") % {"amount": _number(value / 1000)}
    return _("%(amount)s ms") % {"amount": _number(value)}


def _duration(value: float) -> str:
    """Return the two greatest units of a duration."""
    rest = max(0, int(value))
    parts: list[str] = []
    for text, size in _DURATIONS:
        amount, left = divmod(rest, size)
        if amount:
            parts.append(str(text) % {"amount": _number(amount)})
            rest = left
        if len(parts) == 2 or (parts and not amount):
            break
    return " ".join(parts) or str(_DURATIONS[-1][0]) % {"amount": _number(0)}


def _clock(value: float) -> str:
    moment = datetime.datetime.fromtimestamp(value, tz=datetime.UTC)
    return f"{moment.astimezone(timezone.get_current_timezone()):%H:%M:%S}"


STYLES: Final[dict[str, Callable[[float], str]]] = {
    "number": _number,
    "rate": _rate,
    "bytes": _bytes,
    "byte_rate": _byte_rate,
    "ms": _ms,
    "duration": _duration,
    "clock": _clock,
}
"""By name: 12,345 · 12.3/s · 1.2 MB · 1.2 MB/s · 0.42 ms · 2 h 5 min · 14:03:59."""
