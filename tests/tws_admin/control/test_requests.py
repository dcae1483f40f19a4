"""What is asked of the feed is looked at field by field, and permissions are those of now."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import override_settings

from tests.tws_admin.operators import PATH, ask, operator, watching
from tornado_websockets.testing import Server
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler
from tws_admin.control.requests import (
    Refusal,
    authorise,
    one_of,
    reference,
    refusing,
    text,
    watched_path,
)
from tws_admin.permissions import CLOSE


def test_a_refusal_says_what_was_expected_and_what_came() -> None:
    """So that whoever has asked knows what to write instead; a long value is cut."""
    refusal = Refusal.of_field("page", "a whole number", "x" * 500)
    assert str(refusal).startswith("invalid: page must be a whole number, got 'xxx")
    assert len(str(refusal)) < 200


def test_a_field_is_a_text_of_some_length() -> None:
    """Anything else is refused, an empty text as well; what is absent is None."""
    assert text({"path": "/chat"}, "path") == "/chat"
    assert text({}, "path") is None
    assert text({"path": None}, "path") is None
    wrong: Any
    for wrong in ("", "x" * 201, 5, True, [], {}):
        with pytest.raises(Refusal, match="path must be a text of 1 to 200 characters, got"):
            text({"path": wrong}, "path")


def test_exactly_one_of_some_fields_is_there() -> None:
    """What names two targets names none."""
    assert one_of({"path": "/chat", "user": None}, "user", "path") == "path"
    with pytest.raises(Refusal, match="Exactly one of user, path must be there, got none"):
        one_of({}, "user", "path")
    with pytest.raises(Refusal, match="got user, path"):
        one_of({"user": 1, "path": "/chat"}, "user", "path")


def test_only_paths_that_are_shown_can_be_named() -> None:
    """The monitor's own is none of them."""
    chat = WebSocket("/chat")
    watching()
    assert watched_path("/chat") is chat
    with pytest.raises(Refusal, match="not_found"):
        watched_path("/nowhere")
    with pytest.raises(Refusal, match="invalid: The path /watch watches others"):
        watched_path(PATH)


async def test_the_reference_of_a_question_is_a_number_or_a_short_text(server: Server) -> None:
    """The answer repeats it; what cannot be one is refused, and not repeated."""
    echo = WebSocket("/echo")

    @echo.on
    def question(socket: WebSocketHandler, data: dict[str, Any]) -> None:
        with refusing(socket, data):
            socket.emit("answer", {"id": reference(data)})

    client = await server.connect("/echo")
    for given in (None, 0, 7, "seven", ""):
        client.emit("question", {"id": given})
        assert await client.receive() == ("answer", {"id": given})
    unusable: list[Any] = [True, 1.5, [1], {}, "x" * 201]
    for wrong in unusable:
        client.emit("question", {"id": wrong})
        event, data = await client.receive()
        assert (event, data["id"], data["code"]) == ("refused", None, "invalid")
        assert data["message"].startswith("id must be a number or a short text, got ")


TAKEN_AWAY = {
    "active": "UPDATE auth_user SET is_active = 0",
    "staff": "UPDATE auth_user SET is_staff = 0",
    "password": "UPDATE auth_user SET password = 'another'",
    "permissions": "DELETE FROM auth_user_user_permissions",
    "one permission": "DELETE FROM auth_user_user_permissions WHERE permission_id ="
    " (SELECT id FROM auth_permission WHERE codename = 'close_connections')",
    "session": "DELETE FROM django_session",
    "user": "DELETE FROM auth_user",
}


def execute(sql: str) -> None:
    """Change the database as another process does: nothing tells this one."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", TAKEN_AWAY.values(), ids=TAKEN_AWAY)
async def test_what_was_taken_away_a_moment_ago_is_gone(sql: str, server: Server) -> None:
    """Each call asks the database; nothing depends on what the connection knew of its user."""
    watch = watching()
    _user, browser = await operator("view_dashboard", "close_connections")

    @watch.on
    def disconnect(socket: WebSocketHandler, data: dict[str, Any]) -> None:
        with refusing(socket, data):
            operator = authorise(socket, "disconnect")
            socket.emit("done", {"id": data["id"], "by": operator.username})

    client = await server.connect(PATH, client=browser)
    assert (await ask(client, "disconnect")).data["by"] == "olga"
    await sync_to_async(execute)(sql)
    answer = await ask(client, "disconnect")
    assert (answer.event, answer.data["code"]) == ("refused", "forbidden")
    assert CLOSE in answer.data["message"]


@pytest.mark.django_db(transaction=True)
async def test_a_session_of_somebody_else_does_not_count(server: Server) -> None:
    """Who has logged in anew, in the same session, may do nothing on this connection."""
    watch = watching()
    _user, browser = await operator("view_dashboard")
    _root, browser_of_root = await operator(name="root", is_superuser=True)

    @watch.on
    def disconnect(socket: WebSocketHandler, data: dict[str, Any]) -> None:
        with refusing(socket, data):
            authorise(socket, "disconnect")

    client = await server.connect(PATH, client=browser)
    own, other = browser.session.session_key, browser_of_root.session.session_key
    data = "SELECT session_data FROM django_session WHERE session_key"
    await sync_to_async(execute)(
        f"UPDATE django_session SET session_data = ({data} = '{other}') WHERE session_key = '{own}'"
    )
    assert (await ask(client, "disconnect")).data["code"] == "forbidden"


@pytest.mark.django_db(transaction=True)
async def test_a_monitor_that_is_read_only_refuses_everybody(server: Server) -> None:
    """A superuser, too; to look is still permitted."""
    watch = watching()
    _user, browser = await operator(is_superuser=True)

    @watch.on
    def act(socket: WebSocketHandler, data: dict[str, Any]) -> None:
        with refusing(socket, data):
            authorise(socket, data["ability"])
            socket.emit("done", {"id": data["id"]})

    client = await server.connect(PATH, client=browser)
    with override_settings(TWS_ADMIN={"read_only": True}):
        for ability in ("disconnect", "send"):
            answer = await ask(client, "act", ability=ability)
            assert answer.data["code"] == "read_only"
        assert (await ask(client, "act", ability="inspect")).event == "done"
    assert (await ask(client, "act", ability="send")).event == "done"
