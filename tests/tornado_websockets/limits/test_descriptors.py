"""How many file descriptors there are, and how many of them are for connections."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tornado_websockets.limits import descriptors

resource = pytest.importorskip("resource")

REPORT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from tornado_websockets.limits import descriptors
before = descriptors.for_connections()
descriptors.raise_limit()
print(before, descriptors.for_connections(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "before", "after"),
    [
        (256, 256, 192, 192),
        (128, 256, 64, 192),
        (1000, 2000, 900, 1800),
        (64, 64, 1, 1),
        (20, 20, 1, 1),
    ],
)
def test_the_limit_is_raised_and_some_are_kept_for_the_rest(
    soft: int, hard: int, before: int, after: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REPORT, str(soft), str(hard)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == [str(n) for n in (before, after, hard, hard)]


def test_an_infinite_limit_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _number: infinite)
    assert descriptors.for_connections() is None


def test_where_there_is_no_limit_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "resource", None)
    descriptors.raise_limit()
    assert descriptors.for_connections() is None
