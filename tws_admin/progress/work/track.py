"""What goes through the items of some work, and counts them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet

from tws_admin.progress.selection import portions
from tws_admin.progress.work.courtesy import Courtesy

if TYPE_CHECKING:
    from tws_admin.progress.work.task import Task

__all__ = ["Track"]

PORTION: Final = 500
"""Objects of a queryset that are in memory at a time."""


class Track:
    """Yields items; before each one the work may be cancelled or paused.

    A queryset of objects is read by their keys, in portions: no query stays open meanwhile, which
    would keep others from writing to SQLite, and need a cursor of its own elsewhere. An object
    that is deleted meanwhile is counted, and passed over.

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
        items = self._iterable
        if isinstance(items, QuerySet):
            yield from self._objects(items) if _has_objects(items) else self._plain(list(items))
        else:
            yield from self._plain(items)
        self._leave()

    async def __aiter__(self) -> AsyncIterator[Any]:
        items = self._iterable
        if isinstance(items, QuerySet):
            found = self._aobjects(items) if _has_objects(items) else self._aplain(_all(items))
        else:
            found = self._aplain(items)
        async for item in found:
            yield item
        self._leave()

    # Private.

    def _plain(self, items: Iterable[Any]) -> Iterator[Any]:
        self._expect(_length(items))
        for item in items:
            self._begin(item)
            yield item
            self._end()

    def _objects(self, queryset: QuerySet[Any]) -> Iterator[Any]:
        keys = list(queryset.values_list("pk", flat=True))
        self._expect(len(keys))
        courtesy = Courtesy(queryset.db)
        for portion in portions(queryset, keys, PORTION):
            for _key, obj in portion:
                if obj is not None:
                    courtesy.show()
                    self._begin(obj)
                    yield obj
                self._end()

    async def _aplain(self, items: Any) -> AsyncIterator[Any]:
        self._expect(_length(items))
        async for item in items if hasattr(items, "__aiter__") else _each(items):
            self._begin(item)
            yield item
            self._end()

    async def _aobjects(self, queryset: QuerySet[Any]) -> AsyncIterator[Any]:
        keys = [key async for key in queryset.values_list("pk", flat=True)]
        self._expect(len(keys))
        courtesy = Courtesy(queryset.db)
        for start in range(0, len(keys), PORTION):
            portion = keys[start : start + PORTION]
            found = await queryset.ain_bulk(portion)
            for key in portion:
                if key in found:
                    await courtesy.ashow()
                    self._begin(found[key])
                    yield found[key]
                self._end()

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

    def _leave(self) -> None:
        if self._label is not None:
            self._task.meter.label = ""  # nothing is worked on any more
        self._task.check()


def _has_objects(queryset: QuerySet[Any]) -> bool:
    """Return whether it can be read by keys: not what is sliced, or has values and no objects."""
    try:
        queryset.in_bulk([])  # asks nothing
    except TypeError:
        return False
    return True


async def _each(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _all(queryset: QuerySet[Any]) -> AsyncIterator[Any]:
    for item in [item async for item in queryset]:
        yield item


def _length(iterable: Any) -> int | None:
    try:
        return len(iterable)
    except TypeError:
        return None
