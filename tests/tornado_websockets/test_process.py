"""Memory, processor time, threads and event loop of this process, as they really are."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tornado_websockets import cgroup
from tornado_websockets.cgroup import cpu_quota
from tornado_websockets.process import LoopLag, ProcessStats, ThreadLoad, cores

MIB = 1 << 20


def in_an_interpreter(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_cores_are_those_of_the_machine_or_of_this_process() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs processor affinity")
def test_cores_that_are_taken_away_are_not_counted() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from tornado_websockets.process import cores; print(cores())"
    )
    assert in_an_interpreter(program) == "1"


def test_a_system_without_affinity_says_how_many_cores_it_has() -> None:
    program = (
        "import os; vars(os).pop('sched_getaffinity', None);"
        "from tornado_websockets.process import cores; print(cores())"
    )
    count = os.cpu_count() or 1
    assert in_an_interpreter(program) == str(min(count, math.ceil(cpu_quota() or count)))


@pytest.mark.parametrize(("quota", "count"), [(0.2, 1), (1.0, 1), (1.5, 2), (64.0, 4), (None, 4)])
def test_a_container_may_use_fewer(
    quota: float | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cgroup, "cpu_quota", lambda: quota)
    assert cores() == count


def test_memory_that_is_used_shows() -> None:
    process = ProcessStats()
    before = process.rss_bytes
    block = bytearray(b"x") * (64 * MIB)
    assert 56 * MIB <= process.rss_bytes - before <= 96 * MIB
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    assert process.rss_bytes == pytest.approx(int(resident.split()[1]) * 1024, rel=0.02)
    del block


def test_where_there_is_no_proc_the_peak_of_memory_shows(tmp_path: Path) -> None:
    now, peak = ProcessStats().rss_bytes, ProcessStats(statm=tmp_path / "none").rss_bytes
    assert MIB < now <= peak * 1.05


def test_a_system_that_tells_nothing_has_0_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert ProcessStats(statm=tmp_path / "none").rss_bytes == 0


def test_processor_time_grows_with_work_in_any_thread_and_not_while_waiting() -> None:
    process = ProcessStats()
    before = process.cpu_seconds
    enough = before + 0.05

    def work() -> None:
        deadline = time.monotonic() + 10
        while process.cpu_seconds < enough and time.monotonic() < deadline:
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    after = process.cpu_seconds
    assert after >= enough
    time.sleep(0.2)
    assert process.cpu_seconds - after < 0.1


def test_uptime_is_the_time_since_the_start() -> None:
    before = time.monotonic()
    process = ProcessStats()
    first = process.uptime_s
    time.sleep(0.01)
    assert 0.01 <= process.uptime_s - first <= time.monotonic() - before


async def test_threads_at_work_and_calls_that_wait_are_told_apart() -> None:
    load = ThreadLoad(size=2)
    process = ProcessStats(load, ThreadLoad())
    release = threading.Event()
    both_run = threading.Barrier(3, timeout=5)

    def work() -> None:
        both_run.wait()
        release.wait(5)

    with ThreadPoolExecutor(load.size) as pool:

        def call(function: Callable[[], object]) -> asyncio.Future[object]:
            future = asyncio.get_running_loop().run_in_executor(pool, function)
            load.count(future)
            return future

        try:
            calls = [call(work), call(work)]
            await asyncio.to_thread(both_run.wait)
            assert (process.threads_busy, process.threads_queued) == (2, 0)
            calls += [call(release.wait) for _ in range(3)]
            assert (process.threads_busy, process.threads_queued) == (2, 3)
        finally:
            release.set()
        await asyncio.gather(*calls)
    assert (process.threads_busy, process.threads_queued) == (0, 0)


async def test_a_call_that_fails_no_longer_counts() -> None:
    load = ThreadLoad(size=1)
    with ThreadPoolExecutor(load.size) as pool:
        call = asyncio.get_running_loop().run_in_executor(pool, int, "x")
        load.count(call)
        with pytest.raises(ValueError, match="invalid literal"):
            await call
    assert load.calls == 0


def test_everything_is_told_under_the_keys_of_the_feed() -> None:
    load = ThreadLoad(size=1)
    load.calls = 3
    told = ProcessStats(load).as_dict()
    assert set(told) == {
        "uptime_s",
        "cpu_seconds",
        "rss_bytes",
        "threads_busy",
        "threads_queued",
    }
    assert told["threads_busy"] == 1
    assert told["threads_queued"] == 2
    assert told["rss_bytes"] > MIB
    assert told["cpu_seconds"] > 0


# The event loop's lag

INTERVAL_S = 0.02
BLOCKED_S = 0.3


@pytest.fixture
def lag() -> Iterator[LoopLag]:
    lag = LoopLag(interval_s=INTERVAL_S, window=3)
    yield lag
    lag.stop()


def block_the_loop() -> None:
    time.sleep(BLOCKED_S)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(INTERVAL_S / 4)


async def test_a_loop_that_was_blocked_has_lag(lag: LoopLag) -> None:
    lag.start()
    block_the_loop()
    await until(lambda: lag.max_s > 0)
    assert BLOCKED_S - INTERVAL_S - 0.002 <= lag.max_s < 5
    assert lag.max_s / 3 - 0.001 <= lag.mean_s <= lag.max_s


async def test_lag_that_is_over_leaves_the_window(lag: LoopLag) -> None:
    lag.start()
    block_the_loop()
    await until(lambda: lag.max_s >= 0.2)
    await until(lambda: lag.last_s < 0.1)
    await until(lambda: lag.max_s < 0.1)
    assert lag.mean_s <= lag.max_s


async def test_nothing_is_measured_after_the_end_and_what_was_stays(lag: LoopLag) -> None:
    lag.start()
    block_the_loop()
    await until(lambda: lag.max_s > 0)
    lag.stop()
    measured = (lag.last_s, lag.max_s, lag.mean_s)
    time.sleep(3 * INTERVAL_S)
    await asyncio.sleep(3 * INTERVAL_S)
    assert (lag.last_s, lag.max_s, lag.mean_s) == measured


async def test_a_new_start_forgets_the_lag_of_before(lag: LoopLag) -> None:
    lag.start()
    block_the_loop()
    await until(lambda: lag.max_s > 0)
    lag.start()
    assert (lag.last_s, lag.max_s, lag.mean_s) == (0.0, 0.0, 0.0)


def test_the_lag_is_seen_on_uvloop_too(lag: LoopLag) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def blocked() -> None:
        lag.start()
        block_the_loop()
        await until(lambda: lag.max_s > 0)
        assert BLOCKED_S - INTERVAL_S - 0.002 <= lag.max_s < 5
        lag.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(blocked())
