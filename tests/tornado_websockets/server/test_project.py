"""The project, made ready to be served; `runtornado`'s tests serve it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management.base import CommandError
from django.test import override_settings
from tornado.web import RequestHandler

import tornado_websockets
import tornado_websockets.wsgi
from tornado_websockets.server.project import handlers_with_django, load, wsgi_application
from tornado_websockets.tornadowrapper import TornadoWrapper, django_router


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    """End the threads that a test has started for Django."""
    yield
    app = TornadoWrapper.tornado_app
    TornadoWrapper.tornado_app = TornadoWrapper.tornado_server = None
    for rule in app.wildcard_router.rules if app is not None else ():
        stop(django_router(rule))


def stop(router: object) -> None:
    if isinstance(router, tornado_websockets.wsgi.DjangoRouter):
        router.stop(grace_s=5, cut_s=5)


def test_djangos_route_is_added_when_it_is_missing() -> None:
    with override_settings(TORNADO={"handlers": [("/own", RequestHandler)]}):
        own, django = handlers_with_django(wsgi_application(use_static=False, insecure=False))
    assert own == ("/own", RequestHandler)
    router = django_router(django)
    assert router is not None
    stop(router)


def test_a_route_of_djangos_that_is_listed_is_the_one() -> None:
    listed = tornado_websockets.django_app()
    with override_settings(TORNADO={"handlers": [listed]}):
        handlers = handlers_with_django(wsgi_application(use_static=False, insecure=False))
    assert handlers == [listed]
    stop(django_router(listed))


def test_static_files_are_in_front_where_they_are_served() -> None:
    with override_settings(DEBUG=True):
        assert isinstance(wsgi_application(use_static=True, insecure=False), StaticFilesHandler)
        served = wsgi_application(use_static=False, insecure=False)
        assert not isinstance(served, StaticFilesHandler)


def test_it_is_loaded_with_its_websockets_and_django_behind_them() -> None:
    load(use_static=True, insecure=False)
    assert TornadoWrapper.tornado_app is not None
    rules = TornadoWrapper.tornado_app.wildcard_router.rules
    assert django_router(rules[-1]) is not None


@pytest.mark.parametrize("tornado", [{"port": "80a"}, {"certfile": __file__}])
def test_settings_that_cannot_be_used_are_an_error_of_the_command(
    tornado: dict[str, str],
) -> None:
    with (
        override_settings(TORNADO=tornado),
        pytest.raises(CommandError, match=r"TORNADO\['(port|certfile)'\]"),
    ):
        load(use_static=True, insecure=False)
