"""Where WebSockets are written, and found; `runtornado`'s tests serve them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.test import override_settings

from tornado_websockets.discovery import discover
from tornado_websockets.websocket import registry


def test_views_websockets_and_urls_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "from tornado_websockets.websocket import WebSocket\nWebSocket('/{}')\n"
    for name in ("found/__init__", "found/views", "found/websockets", "found_urls"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("" if name.endswith("__init__") else line.format(path.stem))
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(INSTALLED_APPS=["found"], ROOT_URLCONF="found_urls"):
        discover()
    assert list(registry) == ["/views", "/websockets", "/found_urls"]
    assert "found.models" not in sys.modules


def test_a_module_that_fails_to_import_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/__init__.py").write_text("")
    (tmp_path / "broken/websockets.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        override_settings(INSTALLED_APPS=["broken"]),
        pytest.raises(ModuleNotFoundError, match="no_such_module"),
    ):
        discover()
