"""The project, made ready to be served."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.core.servers.basehttp import get_internal_wsgi_application

import tornado_websockets
from tornado_websockets import conf
from tornado_websockets.discovery import discover
from tornado_websockets.tornadowrapper import TornadoWrapper, django_router

__all__ = ["load"]


def load(*, use_static: bool, insecure: bool) -> None:
    """Import the project's WebSockets, and make the application of its routes and Django's.

    Args:
        use_static: serve static files as well while ``DEBUG`` is on.
        insecure: serve them even while it is off.

    Raises:
        CommandError: the settings cannot be used.
    """
    try:
        config = conf.get()
        discover()
        application = wsgi_application(use_static=use_static, insecure=insecure)
        TornadoWrapper.start_app(handlers_with_django(application), config.settings)
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from None


def handlers_with_django(application: Any) -> list[Any]:
    """Return the routes of the settings with Django's behind them, ready to answer."""
    config = conf.get()
    handlers = list(config.handlers)
    router = next(filter(None, map(django_router, handlers)), None)
    if router is None:
        pattern, router = tornado_websockets.django_app()
        handlers.append((pattern, router))
    router.start(
        application,
        threads=config.threads,
        max_body_size=config.max_body_size,
        script_name=conf.script_name(),
    )
    return handlers


def wsgi_application(*, use_static: bool, insecure: bool) -> Any:
    """Return the project's WSGI application, with its static files in front as in runserver."""
    application = get_internal_wsgi_application()
    if conf.serves_static(use_static=use_static, insecure=insecure):
        # The app may not be installed, and must be for its handler to be of use.
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        return StaticFilesHandler(application)
    return application
