"""A session engine of a project's own, which can lose its database."""

from __future__ import annotations

import threading
from typing import Any

from django.contrib.sessions.backends import db
from django.db import OperationalError

is_down = threading.Event()


class SessionStore(db.SessionStore):
    """Sessions in the database, while it is there."""

    def load(self) -> dict[str, Any]:
        if is_down.is_set():
            raise OperationalError("the database is down")
        return super().load()
