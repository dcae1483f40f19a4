"""What the operating system and the event loop know of this process.

Reading costs some 15 µs, so it is done when somebody asks; only `LoopLag` runs by itself, once a
second.
"""

from __future__ import annotations

import asyncio
import collections
import math
import mmap
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from tornado_websockets import cgroup

__all__ = ["LoopLag", "ProcessStats", "ThreadLoad", "cores"]

STATM: Final = Path("/proc/self/statm")


def cores() -> int:
    """Return how many cores this process may use: by its affinity, and its container's limit."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = cgroup.cpu_quota()
    return count if quota is None else max(1, min(count, math.ceil(quota)))


class ThreadLoad:
    """How many calls run in a pool of threads, and how many wait for one that is free.

    A call counts from the event loop's side, until the loop has seen its end, so that no lock is
    needed: of the calls that are out, as many run as there are threads.

    Attributes:
        size: the most threads that the pool starts.
        calls: calls that were handed to the pool and have not come back.
    """

    __slots__ = ("calls", "size")

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.calls = 0

    @property
    def busy(self) -> int:
        """How many threads are at work."""
        return min(self.calls, self.size)

    @property
    def queued(self) -> int:
        """How many calls wait for a thread."""
        return self.calls - self.busy

    def count(self, call: asyncio.Future[Any]) -> None:
        """Count a call, what ``loop.run_in_executor`` returned, until it is done."""
        self.calls += 1
        call.add_done_callback(self._ended)

    def _ended(self, call: asyncio.Future[Any]) -> None:
        self.calls -= 1


class ProcessStats:
    """Memory, processor time and threads of this process, read when asked for.

    Args:
        pools: the load of each pool of threads that is to be counted.
        statm: where Linux shows the memory of this process.
    """

    def __init__(self, *pools: ThreadLoad, statm: Path = STATM) -> None:
        self._pools = pools
        self._statm = statm
        self._started = time.monotonic()

    @property
    def uptime_s(self) -> float:
        """Seconds since this object was made, when the server started."""
        return time.monotonic() - self._started

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all threads of this process, user and system, in seconds."""
        return time.process_time()

    @property
    def rss_bytes(self) -> int:
        """Memory in use, in bytes: now on Linux, at most so far on other systems, else 0."""
        try:
            return int(self._statm.read_bytes().split()[1]) * mmap.PAGESIZE
        except OSError:
            return _peak_rss_bytes()

    @property
    def threads_busy(self) -> int:
        """How many threads of the pools are at work."""
        return sum(pool.busy for pool in self._pools)

    @property
    def threads_queued(self) -> int:
        """How many calls wait for a thread of the pools."""
        return sum(pool.queued for pool in self._pools)

    def as_dict(self) -> dict[str, int | float]:
        """Return everything under the keys of the monitoring feed; a reader derives ``cpu``."""
        return {
            "uptime_s": round(self.uptime_s, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "rss_bytes": self.rss_bytes,
            "threads_busy": self.threads_busy,
            "threads_queued": self.threads_queued,
        }


class LoopLag:
    """How late the event loop is, in seconds: what anything on it waits for others to let go.

    A timer that should fire each interval notes how late it does. A callback that blocks the
    loop is noticed when it does so at that moment; one that does so often, therefore soon.

    Args:
        interval_s: seconds from one measurement to the next.
        window: how many measurements `max_s` and `mean_s` look back on.
    """

    def __init__(self, *, interval_s: float = 1.0, window: int = 10) -> None:
        self._interval_s = interval_s
        self._lags: collections.deque[float] = collections.deque(maxlen=window)
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    @property
    def last_s(self) -> float:
        """Lag at the last measurement; 0 before the first."""
        return self._lags[-1] if self._lags else 0.0

    @property
    def max_s(self) -> float:
        """Greatest lag of the window."""
        return max(self._lags, default=0.0)

    @property
    def mean_s(self) -> float:
        """Mean lag of the window."""
        return sum(self._lags) / len(self._lags) if self._lags else 0.0

    def start(self) -> None:
        """Measure on the running event loop, until `stop`; forget what was measured before."""
        self.stop()
        self._lags.clear()
        self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        """End measuring; what was measured can still be read."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        # Not loop.time(): uvloop's clock stands still while a callback runs.
        self._due = time.monotonic() + self._interval_s
        self._timer = loop.call_later(self._interval_s, self._measure, loop)

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        # Loops fire up to their clock's resolution, a millisecond, too early.
        self._lags.append(max(0.0, time.monotonic() - self._due))
        self._schedule(loop)


def _peak_rss_bytes() -> int:
    try:
        import resource  # Windows has none
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
