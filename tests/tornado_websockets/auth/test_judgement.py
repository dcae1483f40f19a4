"""Permissions: what may be one, and what is answered; `test_watch` judges real connections."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from tornado_websockets.auth.judgement import Verdict, ask, check_permission, settle, still_holds
from tornado_websockets.websocket import WebSocket


def yes(user: Any, request: Any) -> bool:
    return True


async def yes_soon(user: Any, request: Any) -> bool:
    return True


def denies(user: Any, request: Any) -> bool:
    raise PermissionDenied


async def denies_soon(user: Any, request: Any) -> bool:
    raise PermissionDenied


def gives_something(user: Any, request: Any) -> Any:
    return ["truthy"]


class Refuses:
    async def __call__(self, user: Any, request: Any) -> bool:
        return False


@pytest.mark.parametrize("value", [None, "app.codename", yes, yes_soon, Refuses()])
def test_a_permission_is_a_name_or_a_function(value: Any) -> None:
    assert check_permission(value) is value


@pytest.mark.parametrize("value", ["", "codename", "app.", ".codename", 1, True])
def test_anything_else_is_a_mistake(value: Any) -> None:
    with pytest.raises(ValueError, match="must be a name like 'app.codename' or a function"):
        check_permission(value)


@pytest.mark.parametrize(
    ("permission", "answer"),
    [
        (None, True),
        ("auth.change_user", False),
        (yes, True),
        (yes_soon, True),
        (denies, False),
        (denies_soon, False),
        (gives_something, True),
        (Refuses(), False),
    ],
)
async def test_an_answer_is_yes_or_no(permission: Any, answer: bool) -> None:
    assert await settle(ask(permission, AnonymousUser(), None)) is answer


async def test_who_has_no_user_any_more_may_not_stay_and_who_knows_may() -> None:
    socket: Any = type("Socket", (), {"websocket": WebSocket("/x")})()

    async def fails() -> bool:
        raise ValueError("broken")

    assert not await still_holds(Verdict(socket, None, True))
    assert not await still_holds(Verdict(socket, "ann", False))
    assert await still_holds(Verdict(socket, "ann", True))
    assert await still_holds(Verdict(socket, "ann", fails()))
