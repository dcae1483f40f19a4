"""What sessions hold, read for many keys at once."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tornado_websockets import flaky_engine
from tests.tornado_websockets.visitors import ENGINES, engine
from tornado_websockets.auth import sessions

pytestmark = pytest.mark.django_db


def make(name: str, value: int) -> str:
    store = import_module(f"django.contrib.sessions.backends.{name}").SessionStore()
    store["value"] = value
    store.save()
    key: str = store.session_key
    return key


@pytest.mark.parametrize(
    ("cookies", "key"),
    [
        ("sessionid=0123456789abcdef", "0123456789abcdef"),
        ("a=b; sessionid=0123456789abcdef; c=d", "0123456789abcdef"),
        ("sessionid=0123456789; sessionid=abcdefghij", "abcdefghij"),  # as Django reads it
        ('sessionid="0123456789"', "0123456789"),
        ("", ""),
        ("sessionid", ""),
        ("sessionid=", ""),
        ("sessionid=1234567", ""),
        ("SESSIONID=0123456789abcdef", ""),
        ("xsessionid=0123456789abcdef", ""),
        ('sessionid="\\000bcdefghijkl"', ""),
        ("sessionid=0123456 89abcdef", ""),
        ("sessionid=" + "x" * 5000, ""),
    ],
)
def test_the_key_is_that_of_the_cookie(cookies: str, key: str) -> None:
    assert sessions.key_of(cookies) == key


def test_the_cookie_may_have_another_name() -> None:
    with override_settings(SESSION_COOKIE_NAME="ours"):
        assert sessions.key_of("sessionid=0123456789; ours=abcdefghij") == "abcdefghij"


@pytest.mark.parametrize("name", ENGINES)
def test_sessions_are_read_from_every_engine(name: str, tmp_path: Path) -> None:
    with engine(name, tmp_path):
        keys = [make(name, value) for value in range(3)]
        found = sessions.read([*keys, "x" * 32])
        assert [found[key]["value"] for key in keys] == [0, 1, 2]
        assert not found.get("x" * 32)
        assert sessions.read([]) == {}


def test_a_session_that_has_expired_is_absent() -> None:
    with engine("db", Path()):
        key = make("db", 1)
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert sessions.read([key]) == {}


@pytest.mark.parametrize(("name", "queries"), [("db", 1), ("cached_db", 0), ("cache", 0)])
def test_many_sessions_take_one_query(name: str, queries: int) -> None:
    with engine(name, Path()):
        keys = [make(name, value) for value in range(20)]
        with CaptureQueriesContext(connection) as captured:
            assert len(sessions.read(keys)) == 20
        assert len(captured) == queries


def test_what_the_cache_has_lost_is_in_the_database() -> None:
    with engine("cached_db", Path()):
        keys = [make("cached_db", value) for value in range(3)]
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert len(sessions.read(keys)) == 3
        assert len(captured) == 1


@pytest.mark.parametrize(("name", "found"), [("cached_db", 1), ("cache", None)])
def test_without_its_cache_an_engine_has_the_database_or_fails(name: str, found: Any) -> None:
    """A cache that is away must not look like one that has forgotten all sessions."""
    broken = {"BACKEND": "tests.tornado_websockets.broken_cache.BrokenCache"}
    with engine(name, Path()):
        key = make(name, 1)
        with override_settings(CACHES={"default": broken}):
            assert type(caches["default"]).__name__ == "BrokenCache"
            if found is None:
                with pytest.raises(ConnectionError):
                    sessions.read([key])
            else:
                assert len(sessions.read([key])) == found


def test_an_engine_of_the_project_reads_as_it_wants_to() -> None:
    with override_settings(SESSION_ENGINE=flaky_engine.__name__):
        keys = [make("db", value) for value in range(2)]
        with CaptureQueriesContext(connection) as captured:
            assert len(sessions.read(keys)) == 2
        assert len(captured) == 2


def test_only_engines_of_the_database_have_a_model(tmp_path: Path) -> None:
    models = {}
    for name in ENGINES:
        with engine(name, tmp_path):
            models[name] = sessions.session_model()
    assert models == dict.fromkeys(ENGINES) | {"db": Session, "cached_db": Session}


def test_the_digest_of_a_key_does_not_have_the_key() -> None:
    key = make("db", 1)
    assert sessions.digest(key) == sessions.digest(key) != sessions.digest(key + "x")
    assert key not in sessions.digest(key)
    assert len(sessions.digest(key)) == 64
