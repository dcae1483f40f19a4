"""The page on signals names each one, with the arguments that it has and the thread it comes in."""

from __future__ import annotations

import ast

from tests.docs.pages import ROOT, code, page
from tornado_websockets import signals

SOURCES = sorted((ROOT / "tornado_websockets").rglob("*.py"))


def documented() -> dict[str, list[str]]:
    """Return the row of each signal."""
    rows = page("signals.md").table("Signal", "Arguments", "Sent when", "Thread")
    return {code(name)[0]: rest for name, *rest in rows}


def published() -> dict[str, set[str | None]]:
    """Return the arguments that each signal is published with."""
    found: dict[str, set[str | None]] = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".publish"):
                name = ast.unparse(node.args[0])
                if name.startswith("signals."):
                    arguments = {keyword.arg for keyword in node.keywords}
                    assert found.setdefault(name[8:], arguments) == arguments, name
    return found


def test_every_signal_is_documented() -> None:
    assert set(documented()) == set(signals.__all__)


def test_every_signal_has_the_documented_arguments() -> None:
    assert {name: set(code(row[0])) for name, row in documented().items()} == published()


def test_signals_of_work_come_in_the_thread_that_does_it() -> None:
    elsewhere = {name for name, row in documented().items() if row[-1] != "event loop"}
    assert elsewhere == {
        *("path_registered", "progress_started", "progress_updated", "progress_done")
    }
