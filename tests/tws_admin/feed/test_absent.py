"""A process that serves no WebSockets has nothing to show, in the form that it would have."""

from __future__ import annotations

import pytest

from tws_admin.feed.absent import absent
from tws_admin.feed.sampler import RANGES


@pytest.mark.parametrize("range", RANGES)
def test_it_is_empty(range: str) -> None:
    found = absent(range)
    assert found["server"]["state"] == "absent"
    assert set(found["totals"].values()) == {0}
    assert found["history"]["step_s"] == RANGES[range][0]
    for section in ("paths", "bars", "tasks", "nodes", "lifecycle"):
        assert found[section] == []
