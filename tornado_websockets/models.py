"""What Django's permissions hang on: a model without a table."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Dashboard"]


class NoRows(models.Manager["Dashboard"]):
    """A manager that finds nothing, and asks no table that does not exist."""

    def get_queryset(self) -> models.QuerySet[Dashboard]:
        return super().get_queryset().none()


class Dashboard(models.Model):
    """The live monitor, as permissions know it; it has no rows.

    It is here, not in the monitor, so that the project's migrations do not depend on whether that
    is installed.
    """

    objects = NoRows()

    class Meta:
        managed = False
        # Also dumpdata and related lookups go by the manager.
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = [
            ("close_connections", _("Can close connections")),
            ("send_event", _("Can send events to clients")),
            ("view_metrics", _("Can read the metrics")),
            ("view_payloads", _("Can view what clients and the server send")),
        ]
        verbose_name = _("live monitor")
        verbose_name_plural = _("live monitor")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
