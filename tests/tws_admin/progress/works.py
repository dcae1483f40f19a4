"""An admin site with one action, whose body a test writes, and objects for it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import User
from django.db.models import QuerySet

from testapp.models import ChatMessage
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress.actions import ProgressAction, progress_action
from tws_admin.progress.runner import execute

_numbers = itertools.count(1)

# Django keeps sites by weak references; a test may hold on to a run of one alone.
_works: list[Work] = []


class Work:
    """An action of its own site.

    Args:
        body: does the work; a method of the ModelAdmin.
        options: of the action.
    """

    def __init__(self, body: Callable[..., Any], **options: Any) -> None:
        def act(self: Any, task: Any, work: Any) -> Any:
            return body(task, work)

        async def act_async(self: Any, task: Any, work: Any) -> Any:
            return await body(task, work)

        is_async = options.pop("is_async", False)
        action = progress_action(
            **{"description": "Act on selected %(verbose_name_plural)s"} | options
        )
        namespace = {"act": action(act_async if is_async else act), "actions": ["act"]}
        # What one test leaves behind must not be found by the next.
        self.site = AdminSite(name=f"works{next(_numbers)}")
        self.site.register(ChatMessage, type("ActAdmin", (admin.ModelAdmin,), namespace))
        self.model_admin: Any = self.site.get_model_admin(ChatMessage)
        _works.append(self)
        self.action: ProgressAction = type(self.model_admin).act  # type: ignore[attr-defined]

    def start(self, queryset: QuerySet[Any] | None = None, **more: Any) -> ProgressTask:
        """Make a run of all messages, or some; where it is committed it is not executed."""
        objects = ChatMessage.objects.all() if queryset is None else queryset
        return self.action.start(objects, site=self.site.name, **more)

    def run(self, queryset: QuerySet[Any] | None = None, **more: Any) -> ProgressTask:
        """Make a run and execute it, here, and return how it ended."""
        return finish(self.start(queryset, **more))


class Held:
    """A body that waits in the middle, so that a test can do something meanwhile."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def hold(self) -> None:
        self.entered.set()
        assert self.go_on.wait(20)


def finish(run: ProgressTask) -> ProgressTask:
    execute(str(run.pk))
    return ProgressTask.objects.get(pk=run.pk)


def beside(run: ProgressTask) -> threading.Thread:
    """Execute a run in a thread, which the test joins."""

    def work() -> None:
        # Of the thread alone, which ends here.
        from django.db import connections

        try:
            execute(str(run.pk))
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def messages(count: int) -> list[ChatMessage]:
    """Make chat messages to work on, in their order."""
    made = [ChatMessage(author="olga", text=f"line {number}") for number in range(count)]
    return ChatMessage.objects.bulk_create(made)


def selection_of(run: ProgressTask) -> TaskSelection:
    return TaskSelection.objects.get(pk=run.pk)


def staff(name: str = "olga", **fields: Any) -> User:
    return User.objects.create_user(name, is_staff=True, **fields)


def states(run: ProgressTask) -> list[str]:
    """Return the states that a run has had, in their order."""
    return [note.state for note in run.notes.all() if note.state]
