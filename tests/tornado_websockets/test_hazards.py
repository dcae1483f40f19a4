"""What is dangerous in production is told by ``check --deploy``, and only there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from tornado_websockets.hazards import hazards
from tornado_websockets.websocket import WebSocket, registry

SAFE: dict[str, Any] = {"ALLOWED_HOSTS": ["example.com"], "TORNADO": {}}


def found() -> list[str]:
    return [problem.id for problem in hazards(registry.values())]


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        ({}, []),
        ({"ALLOWED_HOSTS": []}, ["W002"]),
        ({"ALLOWED_HOSTS": ["example.com", "*"]}, ["W003"]),
        ({"TORNADO": {"allowed_origins": ["*"]}}, ["W004"]),
        ({"TORNADO": {"allowed_origins": ["https://*.example.com"]}}, []),
        ({"CSRF_TRUSTED_ORIGINS": ["https://example.org"]}, []),
        ({"TORNADO": {"settings": {"debug": True}}}, ["W005"]),
        ({"TORNADO": {"settings": {"serve_traceback": True}}}, ["W005"]),
        ({"TORNADO": {"settings": {"debug": False}}}, []),
        ({"TORNADO": {"trusted_proxies": ["10.0.0.1", "0.0.0.0/0"]}}, ["W006"]),
        ({"TORNADO": {"trusted_proxies": ["::/0"]}}, ["W006"]),
        ({"TORNADO": {"trusted_proxies": ["10.0.0.0/8", "unix:"]}}, []),
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, ["W007"]),
        (
            {
                "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
                "TORNADO": {"trusted_proxies": ["unix:"]},
            },
            [],
        ),
    ],
)
def test_a_hazard_is_found(settings: dict[str, Any], ids: list[str]) -> None:
    with override_settings(**{**SAFE, **settings}):
        assert found() == ids


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"allowed_origins": ["*"]}, []),
        ({"allowed_origins": ["*"], "login_required": True}, ["W004"]),
        ({"allowed_origins": ["*"], "permission": "a.b"}, ["W004"]),
        ({"allowed_origins": ["https://a.example"], "login_required": True}, []),
    ],
)
def test_a_path_that_uses_the_session_should_not_be_for_every_page(
    options: dict[str, Any], ids: list[str]
) -> None:
    WebSocket("/path", **options)
    with override_settings(**SAFE):
        assert found() == ids


def test_they_are_for_deployment_only_and_each_has_a_hint() -> None:
    with override_settings(**SAFE | {"TORNADO": {"allowed_origins": ["*"]}}):
        ids = [message.id for message in run_checks()]
        assert "tornado_websockets.W004" not in ids
        messages = run_checks(include_deployment_checks=True)
    (message,) = [m for m in messages if m.id == "tornado_websockets.W004"]
    assert message.hint


def test_a_mistake_in_the_settings_is_told_once() -> None:
    with override_settings(TORNADO={"trusted_proxies": ["everybody"]}):
        messages = run_checks(include_deployment_checks=True)
    ids = [m.id for m in messages if m.id and m.id.startswith("tornado_websockets.")]
    assert ids == ["tornado_websockets.E015"]
