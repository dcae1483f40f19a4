"""The page of the live monitor in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst

from tornado_websockets.models import Dashboard
from tws_admin.page import views
from tws_admin.permissions import may_watch

__all__ = ["DashboardAdmin"]


@admin.register(Dashboard)
class DashboardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The live monitor: one page, where other models have a list of their objects.

    `AdminSite.app_index` renders the same page for the app, by the name of its template.
    """

    template = "admin/tornado_websockets/app_index.html"

    def has_view_permission(self, request: HttpRequest, obj: Dashboard | None = None) -> bool:
        return may_watch(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_watch(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dashboard | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dashboard | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of what it loads; there is no object to have one."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{name}_changelist"),
            path("snapshot/", wrap(views.snapshot), name=f"{name}_snapshot"),
            path("jsi18n/", wrap(views.jsi18n, cacheable=True), name=f"{name}_jsi18n"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Render the page.

        Raises:
            PermissionDenied: the visitor may not see it.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": capfirst(self.opts.verbose_name_plural),
            "subtitle": None,
            "app_label": self.opts.app_label,
            **(extra_context or {}),
        }
        # Templates reverse "admin:…" to the site that they are rendered for.
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.template, context)
