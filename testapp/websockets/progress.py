"""Progress bars that every open page sees; one that is opened late joins in the middle."""

import asyncio
from collections.abc import Callable, Coroutine

from django.utils.translation import gettext as _

from tornado_websockets.modules import ProgressBar
from tornado_websockets.websocket import WebSocket
from tornado_websockets.websockethandler import WebSocketHandler

ws = WebSocket("/progress")
work = ProgressBar("work", min=0, max=100)
search = ProgressBar("search", indeterminate=True)
ws.bind(work)
ws.bind(search)

tasks: dict[ProgressBar, asyncio.Task[None]] = {}


@work.on
async def start(socket: WebSocketHandler) -> None:
    launch(work, do_work, socket)


@work.on
async def reset() -> None:
    if work in tasks:
        tasks[work].cancel()
        await asyncio.wait([tasks[work]])
    work.reset()


@search.on
async def find(socket: WebSocketHandler) -> None:
    launch(search, do_search, socket)


async def do_work() -> None:
    work.reset()
    while not work.is_done():
        await asyncio.sleep(0.05)
        work.tick(
            label=_("Step %(step)d of %(steps)d") % {"step": work.current + 1, "steps": work.max}
        )


async def do_search() -> None:
    search.reset()
    for label in (
        _("Looking under the table…"),
        _("Looking behind the door…"),
        _("Looking in the garden…"),
    ):
        search.emit_update(label)
        await asyncio.sleep(0.8)
    search.emit_update(_("Found it."))
    search.emit_done()


def launch(
    bar: ProgressBar, job: Callable[[], Coroutine[None, None, None]], socket: WebSocketHandler
) -> None:
    """Start a job beside its connection, whose messages are handled one after another.

    So Reset need not wait for the end of what Start has started.
    """
    if bar in tasks:
        socket.emit("refused", _("This is already running."))
    else:
        tasks[bar] = asyncio.create_task(job())
        tasks[bar].add_done_callback(lambda _task: tasks.pop(bar))
