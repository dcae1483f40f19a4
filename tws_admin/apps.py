"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from tws_admin.checks import check_apps, check_settings, missing_apps
from tws_admin.sites import register_everywhere

__all__ = ["TwsAdminConfig"]


class TwsAdminConfig(AppConfig):
    """Registers the system checks and the page; the monitor begins when the server does."""

    name = "tws_admin"
    verbose_name = _("Tornado WebSockets monitor")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
        checks.register(check_apps)
        if not missing_apps():
            # They define, or need, models: those are there only now.
            from tornado_websockets.models import Dashboard
            from tws_admin.admin import DashboardAdmin

            register_everywhere(Dashboard, DashboardAdmin)
