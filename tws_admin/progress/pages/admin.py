"""Runs in the admin: their list, the page of each, and what both ask for."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tws_admin.models import ProgressTask
from tws_admin.page.figures import write
from tws_admin.progress import access, actions
from tws_admin.progress.pages import cards, frame, views, words
from tws_admin.progress.pages.details import details
from tws_admin.progress.pages.starting import start
from tws_admin.progress.rows import as_row
from tws_admin.progress.states import ENDED

__all__ = ["ProgressTaskAdmin"]

View = Callable[..., HttpResponseBase]

_ENDED = [str(state) for state in ENDED]


@admin.register(ProgressTask)
class ProgressTaskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The list of runs, for each visitor of those that they may see, and the page of each one."""

    template = "tws_admin/tasks/task.html"

    list_display = ("name", "state_badge", "progress", "failures", "user", "created_at", "duration")
    list_filter = (
        "state",
        ("title", admin.AllValuesFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
        "created_at",
    )
    search_fields = ("title", "label")
    list_per_page = 100

    @admin.display(description=gettext_lazy("task"), ordering="title")
    def name(self, run: ProgressTask) -> SafeString:
        """Return the title, by which scripts find the row."""
        return format_html(
            '<span data-tws-task="{}" data-tws-state="{}" data-tws-state-url="{}">{}</span>',
            run.pk,
            run.state,
            cards.url("state", run.pk, self.admin_site.name),
            run.title,
        )

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_badge(self, run: ProgressTask) -> SafeString:
        """Return the state in words."""
        return format_html(
            '<span class="tws-badge tws-state-{}" data-tws-part="state">{}</span>',
            run.state,
            words.state(as_row(run), time.time()),
        )

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, run: ProgressTask) -> SafeString:
        """Return the bar, with how far it is."""
        row = as_row(run)
        bar = words.bar(row)
        value = "" if bar.value is None else format_html('value="{}"', bar.value)
        return format_html(
            '<progress data-tws-part="bar" aria-label="{}" max="{}" {}></progress>'
            ' <span class="tws-number" dir="auto" data-tws-part="count">{}</span>',
            run.title,
            bar.max,
            value,
            words.count(row),
        )

    @admin.display(description=gettext_lazy("errors"), ordering="error_count")
    def failures(self, run: ProgressTask) -> SafeString:
        """Return how many objects failed."""
        text = words.errors(as_row(run))
        return format_html(
            '<span class="tws-task-errors" data-tws-part="errors"{}>{}</span>',
            "" if text else SafeString(" hidden"),
            text,
        )

    @admin.display(description=gettext_lazy("duration"))
    def duration(self, run: ProgressTask) -> str:
        """Return how long it has taken."""
        return write(words.duration_s(as_row(run), time.time()), "duration")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProgressTask]:
        """Return the runs that the visitor may see; filters choose among the same."""
        return frame.newest(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return actions.any_registered() and access.attends(request.user)

    def has_view_permission(self, request: HttpRequest, obj: ProgressTask | None = None) -> bool:
        if obj is None:
            return access.attends(request.user)
        return access.may_view(request.user, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ProgressTask | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ProgressTask | None = None) -> bool:
        is_over = obj is None or not obj.is_active
        return (
            is_over and access.attends(request.user) and bool(request.user.has_perm(access.DELETE))
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would be deleted; what is at work is protected."""
        runs = list(objs)
        active = [run for run in runs if run.is_active]
        ended = [run for run in runs if not run.is_active]
        found, counts, lacking, protected = super().get_deleted_objects(ended, request)
        names = [_("%(task)s is not over: cancel it first") % {"task": run} for run in active]
        return found, counts, lacking, [*protected, *names]

    def delete_model(self, request: HttpRequest, obj: ProgressTask) -> None:
        self.delete_queryset(request, ProgressTask.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProgressTask]) -> None:
        """Delete what is over by now: somebody may have tried one again meanwhile."""
        queryset.filter(state__in=_ENDED).delete()

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the list and of the pages, and of what they ask for."""
        each, site = "<uuid:pk>/", self.admin_site
        return [
            self._path("states/", views.states, "states"),
            self._path("jsi18n/", views.jsi18n, "jsi18n", cacheable=True),
            self._path(f"{each}control/", functools.partial(views.control, site=site), "control"),
            self._path(f"{each}state/", views.state, "state"),
            self._path(f"{each}files/<str:name>", views.file, "file"),
            self._path(f"{each}start/", functools.partial(start, site=site), "start"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Render the page of a run, on which nothing is edited.

        Raises:
            Http404: there is none, for this visitor.
            PermissionDenied: somebody has sent a form.
        """
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        try:
            pk = uuid.UUID(unquote(object_id))
        except ValueError:
            raise Http404(_("There is no such task.")) from None
        run = views.visible(request.user, pk)
        site = self.admin_site
        own = run.user_id is not None and run.user_id == request.user.pk
        shown: Iterable[dict[str, Any]] = [cards.card(run, request.user, site.name)]
        context = {
            **site.each_context(request),
            "title": run.title,
            "subtitle": None,
            "opts": self.opts,
            "original": run,
            "has_view_permission": True,
            "may_delete": self.has_delete_permission(request, run),
            "run": run,
            "task": details(site, request, run),
            "tws_tasks": frame.parts(
                site,
                request,
                "task",
                [run],
                follows_all=not own,
                has_root=True,
                refresh=run.is_active,
                cards=shown,
            ),
            **(extra_context or {}),
        }
        request.current_app = site.name
        return TemplateResponse(request, self.template, context)

    def _path(self, route: str, view: View, name: str, *, cacheable: bool = False) -> URLPattern:
        protected = self.admin_site.admin_view(view, cacheable=cacheable)
        return path(route, protected, name=f"{self.opts.app_label}_{self.opts.model_name}_{name}")
