"""What Django's sessions hold, read for many keys at once.

Nothing here writes: a request that is refused, or a check that nobody asked for, must not change a
session or give it a new key that no browser would learn of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any, Final

from django.contrib.sessions.backends import cache, cached_db, db
from django.core.cache import caches
from django.http.cookie import parse_cookie
from django.utils import timezone

from tornado_websockets import conf

__all__ = ["digest", "key_of", "read", "session_model"]

Found = dict[str, Mapping[str, Any]]
"""What is in each session, by its key; a session that has ended is absent or empty."""

# Whatever an engine makes its keys of. Others would be errors to a cache or a database.
_KEY: Final = re.compile(r"[!-~]{8,4096}")


def key_of(cookies: str) -> str:
    """Return the session key in a ``Cookie`` header, an empty string when there is none."""
    key = parse_cookie(cookies).get(conf.session_cookie(), "")
    return key if _KEY.fullmatch(key) else ""


def digest(key: str) -> str:
    """Return what stands for a session key where the key itself, which logs in, must not be."""
    return hashlib.sha256(key.encode()).hexdigest()


def read(keys: Collection[str]) -> Found:
    """Read sessions: with one query where the engine keeps them in the database.

    An engine of the project's own, and those that keep a session in a file or in its cookie, are
    read one by one. Blocks; to be called in a thread.

    Raises:
        Exception: whatever the database or the cache raises when it is not there.
    """
    store = _store()
    reader = _READERS.get(store.load, _read_each)
    return reader(store, keys) if keys else {}


def session_model() -> Any:
    """Return the model of the sessions, None for an engine that has no such."""
    store = _store()
    if not issubclass(store, db.SessionStore):
        return None
    try:
        return store.get_model_class()
    except RuntimeError:  # its app is not installed: the project has no sessions
        return None


def _store() -> Any:
    return import_module(conf.session_engine()).SessionStore


def _read_each(store: Any, keys: Collection[str]) -> Found:
    return {key: store(key).load() for key in keys}


def _read_database(store: Any, keys: Collection[str]) -> Found:
    rows = store.get_model_class().objects.filter(expire_date__gt=timezone.now()).in_bulk(keys)
    decode = store().decode
    return {key: decode(row.session_data) for key, row in rows.items()}


def _read_cache(store: Any, keys: Collection[str]) -> Found:
    names = {store.cache_key_prefix + key: key for key in keys}
    found = caches[conf.session_cache()].get_many(names)
    return {names[name]: data for name, data in found.items()}


def _read_cached_database(store: Any, keys: Collection[str]) -> Found:
    try:
        found = _read_cache(store, keys)
    except Exception:  # noqa: BLE001  of any cache: the database knows as well
        found = {}
    missing = [key for key in keys if key not in found]
    return found | _read_database(store, missing) if missing else found


# A subclass that loads in another way is not found here, and so read as it wants to be.
_READERS: Final[Mapping[Any, Callable[[Any, Collection[str]], Found]]] = {
    db.SessionStore.load: _read_database,
    cache.SessionStore.load: _read_cache,
    cached_db.SessionStore.load: _read_cached_database,
}
