"""How much of the processors the control group of this process may use, as containers limit it."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["cpu_quota"]


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return the processors that may be used at a time, 1.5 for instance; None is without a limit.

    Reads ``cpu.max`` of cgroup v2 of this group and of those that it is in, of which the lowest
    counts.

    Args:
        root: where the file systems are, Linux's own by default.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return None
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    top = root / "sys/fs/cgroup"
    group = top / path
    quotas = []
    # In a container the path may be that of the host, of which only the top is to be seen.
    for each in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):  # the top has none; "max" is no limit
            quota_us, period_us = (each / "cpu.max").read_text().split()
            quotas.append(int(quota_us) / int(period_us))
        if each == top:
            break
    return min(quotas, default=None)
