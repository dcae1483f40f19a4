"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from tws_admin.checks import check_settings

__all__ = ["TwsAdminConfig"]


class TwsAdminConfig(AppConfig):
    """Registers the system checks; the monitor begins when the server does."""

    name = "tws_admin"
    verbose_name = _("Tornado WebSockets monitor")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
