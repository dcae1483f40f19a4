"""What an action works on: primary keys as they were at the click, with the objects as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import connections, router
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from tws_admin.models import TaskSelection

__all__ = ["TooManyError", "chosen", "keys_of", "portions"]

FEW: Final = 500
"""Keys that a query may name one by one, on every database."""

# What is in a JSON list, as rows: by the vendor of the database. The list stays where it is.
UNNESTED: Final = {
    "sqlite": "SELECT value FROM json_each((SELECT keys FROM {table} WHERE id = %s))",
    "postgresql": (
        "SELECT jsonb_array_elements_text((SELECT keys FROM {table} WHERE id = %s))::{type}"
    ),
}


class TooManyError(ValueError):
    """More was selected than an action takes.

    Args:
        limit: how many it takes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"expected at most {self.limit} objects, got more: select fewer, or raise max_items"


def keys_of(queryset: QuerySet[Any], limit: int) -> list[Any]:
    """Return the primary keys of a queryset, in its order.

    Raises:
        TooManyError: there are more than limit.
    """
    keys = list(queryset.values_list("pk", flat=True)[: limit + 1])
    if len(keys) > limit:
        raise TooManyError(limit)
    return keys


def chosen(queryset: QuerySet[Any], selection: TaskSelection) -> QuerySet[Any]:
    """Return a queryset of the objects of a selection that are still there.

    It can be filtered and counted as any other, also when there are a hundred thousand: a query
    of many keys goes by the list in the database.
    """
    keys: list[Any] = selection.keys
    if len(keys) <= FEW:
        return queryset.filter(pk__in=keys)
    alias = queryset.db
    connection = connections[alias]
    statement = UNNESTED.get(connection.vendor)
    if statement is None or router.db_for_read(TaskSelection) != alias:
        return queryset.filter(pk__in=keys)
    pk = queryset.model._meta.pk
    table = connection.ops.quote_name(TaskSelection._meta.db_table)
    sql = statement.format(table=table, type=pk.rel_db_type(connection))
    id_field = TaskSelection._meta.pk
    value = id_field.get_db_prep_value(selection.pk, connection)
    return queryset.filter(pk__in=RawSQL(sql, [value]))  # noqa: S611  no text of anybody's is in it


def portions(
    queryset: QuerySet[Any], keys: Sequence[Any], size: int
) -> Iterator[list[tuple[Any, Model | None]]]:
    """Yield keys with their objects, so many at a time; None for an object that is no more."""
    pk = queryset.model._meta.pk
    for start in range(0, len(keys), size):
        # In JSON a UUID is a string.
        portion = [pk.to_python(key) for key in keys[start : start + size]]
        found = queryset.in_bulk(portion)
        yield [(key, found.get(key)) for key in portion]
