"""A snapshot of the feed, made by hand."""

from __future__ import annotations

from typing import Any

SERIES = [
    "connections", "opened", "closed", "rejected", "events_in", "events_out", "bytes_in",
    "bytes_out", "errors", "warnings", "p50_ms", "p95_ms", "p99_ms", "loop_lag_ms", "cpu",
    "rss_bytes", "threads_busy", "threads_queued",
]  # fmt: skip

XSS = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "\"><svg onload='alert(3)'>",
    "' autofocus onfocus=alert(4) x='",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "javascript:alert(5)",
    "<!--<script>",
    "\u202e\u0000&lt;b&gt;",
]
"""What a client may choose to be called, and to send."""


def counters(**more: Any) -> dict[str, Any]:
    names = ["opened", "closed", "rejected", *SERIES[4:10], "slow", "peak"]
    return {**dict.fromkeys(names, 0), "connections": 0, **more}


def path(name: str = "/chat", **more: Any) -> dict[str, Any]:
    return {
        "path": name,
        **counters(),
        "p50_ms": None,
        "p95_ms": None,
        "p99_ms": None,
        "events": [],
        "modules": [],
        "declared": "shop.websockets:7",
        "rules": {
            "login_required": False,
            "permission": None,
            "origins": [],
            "require_origin": False,
        },
        "closed_by_code": {},
        "rejected_by_reason": {},
        "warnings_by_code": {},
        "slow_by_action": {},
        **more,
    }


def event(name: str, **more: Any) -> dict[str, Any]:
    times = {"p50_ms": 0.1, "p95_ms": 0.2, "p99_ms": 0.3}
    callback = {"callback": "shop.websockets:9", "is_async": False}
    return {"event": name, "calls": 1, "errors": 0, **times, **callback, **more}


def bar(**more: Any) -> dict[str, Any]:
    return {
        "path": "/progress",
        "name": "import",
        "label": None,
        "value": 40,
        "min": 0,
        "max": 100,
        "indeterminate": False,
        "done": False,
        "rate": 4.0,
        "eta_s": 15.0,
        "watchers": 2,
        "started": 0.0,
        "updated": 0.0,
        **more,
    }


def snapshot(**more: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "epoch": "one",
        "seq": 7,
        "time": 1_700_000_000.0,
        "server": {
            "host": "web1",
            "pid": 12345,
            "version": "1.0.0",
            "python": "3.11.2",
            "django": "5.2",
            "tornado": "6.6.1",
            "started": 1_699_992_500.0,
            "uptime_s": 7500.0,
            "rss_bytes": 83_000_000,
            "cpu": 0.125,
            "loop_lag_ms": 0.42,
            "threads": 8,
            "threads_busy": 1,
            "threads_queued": 0,
            "viewers": 1,
            "state": "serving",
            "trouble": "",
        },
        "totals": counters(connections=1234, peak=2000, errors=3),
        "paths": [],
        "history": {
            "step_s": 1,
            "end": 1_700_000_000.0,
            "series": {name: [None] * 599 + [12.5] for name in SERIES},
        },
        "bars": [],
        "tasks": [],
        "node": None,
        "nodes": [],
        "lifecycle": [],
        "may": [],
        **more,
    }
