"""The engine of Celery: what it sends, how long it waits, and what keeps it from working."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module

import pytest
from celery import Celery
from celery.contrib.testing.app import setup_default_app
from kombu.exceptions import OperationalError

from tests.engines.broker import Broker, is_installed
from tws_admin.progress.engines import engine
from tws_admin.progress.engines.celery import TIMEOUT_S, CeleryEngine

ID = "0c7e9c43-4a35-43a7-9ac2-e64ec9bdeb91"


@pytest.fixture
def app() -> Iterator[Celery]:
    """Return the Celery app of this process, which has no broker yet."""
    import_module("tws_admin.tasks")  # what is imported later this app alone would know
    app = Celery("shop", set_as_current=False)
    with setup_default_app(app):
        app.set_current()
        app.set_default()
        yield app


def ids() -> list[str]:
    return [problem.id for problem in CeleryEngine().problems()]


def test_it_is_found_by_its_name() -> None:
    assert isinstance(engine("celery"), CeleryEngine)


def test_an_app_with_a_broker_is_well(app: Celery) -> None:
    app.conf["broker_url"] = "redis://127.0.0.1/0"
    assert ids() == []


def test_an_app_without_a_broker_is_an_error(app: Celery) -> None:
    [problem] = CeleryEngine().problems()
    assert problem.id == "E012"
    assert "broker_url" in problem.hint


def test_tasks_that_block_the_request_are_reported(app: Celery) -> None:
    app.conf.task_always_eager = True
    assert ids() == ["W003"]


def test_celery_that_is_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    [problem] = CeleryEngine().problems()
    assert problem.id == "E011"
    assert 'pip install "django-tornado-websockets[tasks]"' in problem.hint


@pytest.mark.skipif(not is_installed(), reason="redis-server is not installed")
def test_a_run_is_sent_by_its_id_and_nothing_else(app: Celery) -> None:
    with Broker() as broker:
        app.conf["broker_url"] = broker.url
        CeleryEngine().submit(ID)
        with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
            message = queue.get(timeout=10)
    assert message.headers["task"] == "tws_admin.execute"
    assert message.payload[:2] == [[ID], {}]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_not_there_is_told_at_once(app: Celery, scheme: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, nor can anybody else meanwhile
        app.conf["broker_url"] = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/0"
        started = time.monotonic()
        with pytest.raises(OperationalError):
            CeleryEngine().submit(ID)
        assert time.monotonic() - started < TIMEOUT_S


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_says_nothing_is_not_waited_for_long(app: Celery, scheme: str) -> None:
    """It takes connections, as one that hangs does, or a firewall."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        app.conf["broker_url"] = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        with pytest.raises(OperationalError):
            CeleryEngine().submit(ID)
    assert time.monotonic() - started < 3 * TIMEOUT_S
