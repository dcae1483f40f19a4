"""Which event loop serves; `runtornado`'s tests serve on both."""

from __future__ import annotations

import pytest

from tornado_websockets.server import loops
from tornado_websockets.server.loops import loop_factory


def test_uvloop_is_used_where_it_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    factory = loop_factory()
    assert factory is not None
    loop = factory()
    try:
        assert isinstance(loop, uvloop.Loop)
    finally:
        loop.close()


def test_else_it_is_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "uvloop", None)
    assert loop_factory() is None
