"""A PostgreSQL for the time of a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.torture.postgres import MissingProgramError, Postgres

__all__ = ["postgres"]


@contextlib.contextmanager
def postgres() -> Iterator[dict[str, object]]:
    """Serve a database, and yield its settings; skip the test where there is no PostgreSQL."""
    try:
        server = Postgres()
    except MissingProgramError as error:
        pytest.skip(str(error))
    with server:
        yield {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "torture",
            "HOST": "127.0.0.1",
            "PORT": server.port,
        }
