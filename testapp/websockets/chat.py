"""A chat. Its callbacks are plain functions: they run in threads, where the ORM is at home."""

from django.forms import BaseForm

from testapp.forms import MessageForm, NameForm
from testapp.models import ChatMessage
from tornado_websockets.message import Data
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

HISTORY_LENGTH = 50

ws = WebSocket("/chat")
names: dict[str, str] = {}  # socket.id → the name that its person chose


@ws.on
def open(socket: WebSocketHandler) -> None:
    latest = ChatMessage.objects.order_by("-pk")[:HISTORY_LENGTH]
    socket.emit("history", {"messages": [message.as_event() for message in reversed(latest)]})
    ws.emit("online", {"count": len(ws)})


@ws.on
def join(socket: WebSocketHandler, data: Data) -> None:
    form = NameForm({"author": data.get("name")})
    if form.is_valid():
        names[socket.id] = form.cleaned_data["author"]
        ws.emit("joined", {"name": names[socket.id]})
    else:
        refuse(socket, form)


@ws.on
def message(socket: WebSocketHandler, data: Data) -> None:
    form = MessageForm({"author": names.get(socket.id), "text": data.get("text")})
    if form.is_valid():
        ws.emit("message", form.save().as_event())
    else:
        refuse(socket, form)


@ws.on
def close(socket: WebSocketHandler) -> None:
    if name := names.pop(socket.id, None):
        ws.emit("left", {"name": name})
    ws.emit("online", {"count": len(ws)})


def refuse(socket: WebSocketHandler, form: BaseForm) -> None:
    """Tell one client what is wrong with what it sent, field by field."""
    socket.emit("refused", {"errors": {field: list(form.errors[field]) for field in form.errors}})
