"""What goes through the items of some work, and counts them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet

if TYPE_CHECKING:
    from tws_admin.progress.task import Task

__all__ = ["Track"]

PORTION: Final = 2000
"""Objects of a queryset that are in memory at a time."""


class Track:
    """Yields items; before each one the work may be cancelled or paused.

    Args:
        task: is told.
        iterable: a queryset, an iterable, or for ``async for`` also an asynchronous one.
        label: makes the words of an item; None leaves them.
        total: how many there are; None asks the iterable.
    """

    def __init__(
        self, task: Task, iterable: Any, label: Callable[[Any], Any] | None, total: float | None
    ) -> None:
        self._task = task
        self._iterable = iterable
        self._label = label
        self._total = total

    def __iter__(self) -> Iterator[Any]:
        items: Iterable[Any] = self._iterable
        if isinstance(items, QuerySet):
            self._expect(items.count())
            items = items.iterator(chunk_size=PORTION)
        else:
            self._expect(_length(items))
        for item in items:
            self._begin(item)
            yield item
            self._end()
        self._task.check()

    async def __aiter__(self) -> AsyncIterator[Any]:
        items = self._iterable
        if isinstance(items, QuerySet):
            self._expect(await items.acount())
            items = items.aiterator(chunk_size=PORTION)
        else:
            self._expect(_length(items))
        async for item in items if hasattr(items, "__aiter__") else _each(items):
            self._begin(item)
            yield item
            self._end()
        self._task.check()

    def _expect(self, count: int | None) -> None:
        total = count if self._total is None else self._total
        if total is not None:
            # A body may go through several, one behind the other.
            self._task.meter.total = self._task.meter.done + total

    def _begin(self, item: Any) -> None:
        self._task.check()
        if self._label is not None:
            self._task.meter.label = str(self._label(item))

    def _end(self) -> None:
        self._task.meter.done += 1


async def _each(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _length(iterable: Any) -> int | None:
    try:
        return len(iterable)
    except TypeError:
        return None
