"""The processors that a container may use: files as Linux shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tornado_websockets.cgroup import cpu_quota


def show(root: Path, path: str, **limits: str) -> None:
    """Write the group of the process, and ``cpu.max`` of groups whose names have _ for /."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"1:name=systemd:/other\n0::{path}\n")
    for name, text in limits.items():
        group = root / "sys/fs/cgroup" / name.strip("_").replace("_", "/")
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.max").write_text(text + "\n")


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None


def test_the_machine_that_this_runs_on_has_a_limit_or_none() -> None:
    quota = cpu_quota()
    assert quota is None or quota > 0


def test_the_group_of_a_container_is_the_top(tmp_path: Path) -> None:
    show(tmp_path, "/", _="150000 100000")
    assert cpu_quota(tmp_path) == 1.5


def test_the_lowest_limit_counts_whichever_group_has_it(tmp_path: Path) -> None:
    show(tmp_path, "/web/site", web_site="max 100000", web="200000 100000", db="50000 100000")
    assert cpu_quota(tmp_path) == 2.0
    (tmp_path / "sys/fs/cgroup/web/site/cpu.max").write_text("100000 200000")
    assert cpu_quota(tmp_path) == 0.5


def test_the_path_may_be_one_of_the_host(tmp_path: Path) -> None:
    show(tmp_path, "/system.slice/docker-1.scope", _="300000 100000")
    assert cpu_quota(tmp_path) == 3.0
    (tmp_path / "proc/self/cgroup").write_text("0::/../../init.scope\n")
    assert cpu_quota(tmp_path) == 3.0


@pytest.mark.parametrize("text", ["max 100000", "", "nonsense", "1 2 3", "x 100000"])
def test_what_is_no_limit_is_none(text: str, tmp_path: Path) -> None:
    show(tmp_path, "/", _=text)
    assert cpu_quota(tmp_path) is None


def test_a_file_without_the_second_version_says_nothing(tmp_path: Path) -> None:
    show(tmp_path, "/")
    (tmp_path / "proc/self/cgroup").write_text("4:cpu:/web\n")
    assert cpu_quota(tmp_path) is None
