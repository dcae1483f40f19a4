"""Runs, and a site whose actions start some, for tests of the pages."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import Group, Permission, User
from django.forms import CharField, ChoiceField, Form, IntegerField
from django.urls import path
from django.utils import timezone

from tests.tornado_websockets.visitors import make_user
from tws_admin import progress_action
from tws_admin.models import ProgressTask, TaskNote
from tws_admin.progress.states import ENDED, State

SITE = "office"
MODEL = "auth.Group"


class CountForm(Form):
    """What an action asks for."""

    times = IntegerField(min_value=1, help_text="How often.")
    api_token = CharField(required=False)
    way = ChoiceField(choices=[("up", "Up"), ("down", "Down")])


@admin.action(description="Nothing special")
def nothing(model_admin: Any, request: Any, queryset: Any) -> None:
    """Do nothing: an action as Django has them."""


class GroupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Groups, with an action of each kind."""

    actions = ("at_once", "ask", "fill_in", "own_page", "only_one", nothing)
    search_fields = ("name",)
    ordering = ("name",)

    @progress_action(description="Greet selected %(verbose_name_plural)s", each=True)
    def at_once(self, task: Any, group: Group) -> None:
        """Greet one."""

    @progress_action(confirm=True)
    def ask(self, task: Any, queryset: Any) -> None:
        """Work when somebody has said yes."""

    @progress_action(form=CountForm)
    def fill_in(self, task: Any, queryset: Any) -> None:
        """Work with what was filled in."""

    @progress_action(confirm="tws_admin/tests/own_page.html")
    def own_page(self, task: Any, queryset: Any) -> None:
        """Ask on a page of the project's own."""

    @progress_action(confirm=True, single=True)
    def only_one(self, task: Any, queryset: Any) -> None:
        """Work alone."""


office = AdminSite(name=SITE)
office.register(Group, GroupAdmin)
office.register(User)
urlpatterns = [path("admin/", admin.site.urls), path("office/", office.urls)]


def ago(seconds: float) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(seconds=seconds)


def make_run(
    state: State | str = State.RUNNING, *, created_s: float | None = None, **fields: Any
) -> ProgressTask:
    """Return a new run, with the times that it would have.

    Args:
        state: its state.
        created_s: how many seconds ago it was made; None is now.
        fields: as it is to have them.
    """
    values: dict[str, Any] = {
        "site": SITE, "model": MODEL, "action": "at_once", "title": "Greet selected groups",
        "engine": "thread", "total": 10, "selected": 10,
    }  # fmt: skip
    if state != State.QUEUED:
        values |= {"started_at": timezone.now(), "progressed_at": timezone.now(), "attempt": 1}
    if state in (State.RUNNING, State.CANCELLING):
        values["worker"] = "web1:7"
    if state in ENDED:
        values["ended_at"] = timezone.now()
    run = ProgressTask.objects.create(state=str(state), **{**values, **fields})
    if created_s is not None:
        ProgressTask.objects.filter(pk=run.pk).update(created_at=ago(created_s))
        run.refresh_from_db()
    TaskNote.objects.create(task=run, time=timezone.now(), state=str(state), by=run.user)
    return run


def staff(name: str, *codenames: str, **fields: Any) -> User:
    """Return a member of the staff with permissions."""
    user = make_user(name, **{"is_staff": True, **fields})
    found = Permission.objects.filter(codename__in=codenames)
    assert found.count() == len(codenames)
    user.user_permissions.add(*found)
    return user
