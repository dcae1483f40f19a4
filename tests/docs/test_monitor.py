"""What the page on the monitor says is what the code does: numbers, settings, checks, metrics."""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import Any

from django.contrib.auth import get_permission_codename
from django.utils import translation

from tests.docs.pages import ROOT, code, page
from tornado_websockets.models import Dashboard
from tornado_websockets.websocket import WebSocket
from tws_admin import conf, permissions
from tws_admin.control.masking import LIMIT, SECRET
from tws_admin.metrics.collector import Metrics
from tws_admin.page.definitions import DEFINITIONS
from tws_admin.rules import RULES, problems

SUFFIXES = {"counter": "_total", "info": "_info"}
"""What the name of a sample has besides, by the type of its family."""


def test_every_number_is_defined_as_on_the_page_itself() -> None:
    with translation.override("en"):
        defined = [[str(word) for word in each[:3]] for each in DEFINITIONS.values()]
    assert page("monitor.md").table("Number", "Unit", "What it is") == defined


def settings_of_the_page() -> dict[str, list[str]]:
    rows = page("monitor.md").table("Key", "Type", "Default", "What it is", "Check")
    return {code(key)[0]: rest for key, *rest in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {
        key: ast.literal_eval(code(default)[0])
        for key, (_type, default, *_rest) in settings_of_the_page().items()
    }
    assert documented == dataclasses.asdict(conf.Config())


def test_every_setting_names_its_check() -> None:
    found = {}
    for key in RULES:
        [problem] = problems({key: object()})
        found[key] = f"tws_admin.{problem.id}"
    assert {key: code(row[-1])[0] for key, row in settings_of_the_page().items()} == found


def test_every_check_is_documented() -> None:
    modules = (ROOT / "tws_admin").rglob("*.py")
    source = "".join(path.read_text() for path in modules)
    ids = set(re.findall(r'"(?:tws_admin\.)?([EW]\d{3})"', source))
    rows = page("checks.md").table("Id", "What is wrong", "What to do")
    assert len(ids) > 3
    assert {code(row[0])[0] for row in rows} == {f"tws_admin.{each}" for each in ids}


def test_every_permission_is_documented() -> None:
    options: Any = Dashboard._meta
    codenames = [
        *(get_permission_codename(action, options) for action in options.default_permissions),
        *(codename for codename, _name in options.permissions),
    ]
    rows = page("monitor.md").table("Permission", "Who has it may")
    documented = {code(row[0])[0] for row in rows}
    assert documented == {f"tornado_websockets.{codename}" for codename in codenames}
    assert documented == {
        getattr(permissions, name) for name in ("VIEW", "CLOSE", "SEND", "INSPECT", "METRICS")
    }


def test_every_metric_is_documented_with_its_labels() -> None:
    stats = WebSocket("/x").stats
    for counts in (stats.closed, stats.rejected, stats.warnings, stats.slow):
        counts.add("x")
    stats.events["x"].latency.add(1)
    exported = {
        family.name + SUFFIXES.get(family.type, ""): (
            family.type,
            list(family.samples[0].labels),
            family.documentation,
        )
        for family in Metrics().collect()
    }
    rows = page("monitor.md").table("Metric", "Type", "Labels", "What it is")
    assert {code(name)[0]: (kind, code(labels), help) for name, kind, labels, help in rows} == (
        exported
    )


def test_what_the_inspector_masks_is_documented() -> None:
    [sentence] = re.findall(r"keys that contain (.*?) are masked", page("monitor.md").text, re.S)
    assert code(sentence) == SECRET.pattern.split("|")
    assert f"{LIMIT // 1024} kB of each" in page("monitor.md").text
