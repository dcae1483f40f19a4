"""WebSockets for Django, served by Tornado together with Django itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_websockets.wsgi import DjangoRouter

__all__ = ["__version__", "django_app"]

__version__ = "1.0.0"


def django_app() -> tuple[str, DjangoRouter]:
    """Return the Tornado handler that answers every path with Django.

    It is made for ``TORNADO["handlers"]`` in a settings module: nothing of Django is set up by
    calling it. Its route is a wildcard, so ``runtornado`` always keeps it behind every other
    handler, and adds it when no handler of the list is one.
    """
    # Imported here because a settings module imports this package: it must stay light.
    from tornado_websockets.wsgi import DjangoRouter

    return (r".*", DjangoRouter())
