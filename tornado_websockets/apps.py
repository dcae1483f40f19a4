"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from tornado_websockets import conf
from tornado_websockets.checks import check_deployment, check_settings

__all__ = ["TornadoWebSocketsConfig"]


class TornadoWebSocketsConfig(AppConfig):
    """Registers the system checks; the server starts with ``runtornado`` only."""

    name = "tornado_websockets"
    verbose_name = _("Tornado WebSockets")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
        checks.register(check_deployment, checks.Tags.security, deploy=True)
        if conf.has_layer():
            # It needs the models, which other processes have no use for here.
            from tornado_websockets.auth.changes import listen_without_server

            listen_without_server()
