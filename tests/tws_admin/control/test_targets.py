"""Whom something is done to: found on this node, named in words."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.tws_admin.operators import operator, watching
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tws_admin.control.requests import Refusal
from tws_admin.control.targets import counted, find, sockets_of, target_of, targets, whom

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("connection", "user", "path")


async def test_a_path_a_connection_and_a_user(server: Server) -> None:
    chat = WebSocket("/chat", login_required=True)
    ann, browser = await operator(name="ann")
    for _ in range(2):
        await server.connect("/chat", client=browser)
    assert list(targets({"path": "/chat"})) == list(chat)
    assert targets({"connection": chat[1].id}) == [chat[1]]
    assert list(targets({"user": ann.pk})) == list(targets({"user": str(ann.pk)})) == list(chat)
    assert counted({"path": "/chat"}) == {"count": 2, "who": None, "path": None}
    assert counted({"user": ann.pk}) == {"count": 2, "who": "ann", "path": None}
    one = {"connection": chat[0].id}
    assert counted(one) == {"count": 1, "who": "ann", "path": "/chat"}
    assert whom(one, counted(one)) == f"connection {chat[0].id} of ann on /chat"
    assert whom({"user": ann.pk}, {"who": "ann"}) == f"user ann ({ann.pk})"
    assert whom({"path": "/chat"}, {}) == "path /chat"


async def test_those_who_watch_are_nobody_s_target(server: Server) -> None:
    watch = watching()
    user, browser = await operator("view_dashboard")
    await server.connect("/watch", client=browser)
    assert list(sockets_of(None)) == []
    for target in ({"path": "/watch"}, {"connection": watch[0].id}, {"user": user.pk}):
        with pytest.raises(Refusal):
            await sync_to_async(targets)(target)
    with pytest.raises(Refusal, match="There is no connection x any more"):
        find("x")


@pytest.mark.parametrize(
    "wrong",
    [{}, {"path": 5}, {"path": "/a", "user": 1}, {"user": True}, {"user": []}, {"user": "x" * 300}],
)
def test_what_is_no_target_is_refused(wrong: Any) -> None:
    """Also when another node asks."""
    with pytest.raises(Refusal, match="invalid"):
        target_of(wrong, *KINDS)
    with pytest.raises(Refusal, match="invalid"):
        counted(wrong)
