"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _

from tws_admin.checks import check_apps, check_engines, check_settings, missing_apps
from tws_admin.sites import frame_everywhere, register_everywhere

__all__ = ["TwsAdminConfig"]


class TwsAdminConfig(AppConfig):
    """Registers the system checks and the pages; the monitor begins when the server does."""

    name = "tws_admin"
    verbose_name = _("Background work")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_settings)
        checks.register(check_apps)
        checks.register(check_engines)
        # It needs models: those are there only now.
        from tws_admin.progress.files import forget

        post_delete.connect(forget, "tws_admin.TaskFile", dispatch_uid="tws_admin.files")
        if not missing_apps():
            # They define, or need, models: those are there only now.
            from tornado_websockets.models import Dashboard
            from tws_admin.admin import DashboardAdmin
            from tws_admin.models import ProgressTask
            from tws_admin.progress.pages.admin import ProgressTaskAdmin
            from tws_admin.progress.pages.frame import frame

            register_everywhere(Dashboard, DashboardAdmin)
            register_everywhere(ProgressTask, ProgressTaskAdmin)
            frame_everywhere(frame)
