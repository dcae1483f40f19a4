"""What a report of perf says, part by part."""

from __future__ import annotations

import pytest

from benchmarks.profile import shares

REPORT = """\
# Overhead  Shared Object
# ........  .....................

    49.29%  [kernel.kallsyms]
    41.66%  libpython3.13.so.1.0
     3.35%  loop.cpython-313-x86_64-linux-gnu.so
     1.76%  orjson.cpython-313-x86_64-linux-gnu.so
     1.72%  libc.so.6
     1.20%  ld-linux-x86-64.so.2
     0.66%  _asyncio.cpython-313-x86_64-linux-gnu.so
     0.26%  [vdso]
     0.10%  speedups.abi3.so
"""


def test_each_file_belongs_to_a_part() -> None:
    found = shares(REPORT)
    assert found["kernel"] == pytest.approx(0.4955)
    assert found["interpreter"] == pytest.approx(0.4166)
    assert found["event loop"] == pytest.approx(0.0401)
    assert found["JSON"] == pytest.approx(0.0176)
    assert found["C library"] == pytest.approx(0.0292)
    assert found["other"] == pytest.approx(0.001)


def test_a_report_of_nothing_has_no_parts() -> None:
    assert not shares("# Overhead  Shared Object\n")
