"""Executes a run: what every engine calls, with the id of the run and nothing else."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db import DatabaseError, connections, router, transaction
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils import translation
from django.utils.translation import gettext as _

from tornado_websockets.encoding import encode
from tornado_websockets.exceptions import EncodeError
from tornado_websockets.message import decode
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress import actions
from tws_admin.progress.actions import ProgressAction
from tws_admin.progress.selection import chosen
from tws_admin.progress.states import State
from tws_admin.progress.transitions import become, claim
from tws_admin.progress.work.items import StoppedError, work_through
from tws_admin.progress.work.report import Report, tell
from tws_admin.progress.work.reporter import reporter
from tws_admin.progress.work.task import Task, TaskCancelled, TaskPaused, clean

__all__ = ["RefusedError", "execute", "request_of"]

logger = logging.getLogger("tws_admin")

MAX_FAILURE: Final = 2000
"""Characters that are kept of what a work has raised."""

NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The character in JSON, which PostgreSQL refuses: not a backslash that is itself escaped."""

TURNS: Final = 5
TURN_S: Final = 2.0
"""How often, and seconds between, the end of a run is written again; within the time that it takes
to be lost."""


class RefusedError(Exception):
    """What was queued may not be, or cannot be done any more; the sentence is for the user."""


def execute(run_id: str) -> None:
    """Execute a run that is queued; one that is not is left alone, so a message may come twice.

    Blocks until its work has ended, failed, or has been paused, and raises nothing of it.

    Args:
        run_id: of the `ProgressTask`, a UUID in its text form.
    """
    run = ProgressTask.objects.filter(pk=run_id).first()
    if run is None or not claim(run, f"{socket.gethostname()}:{os.getpid()}"):
        logger.info("progress task %s is not queued here, or not any more", run_id)
        return
    tell(run)
    with translation.override(run.language or None):
        Execution(run).run()


class Execution:
    """One attempt at a run.

    Args:
        run: has been claimed.
    """

    def __init__(self, run: ProgressTask) -> None:
        self._run = run

    def run(self) -> None:
        """Do the work, and write down how it ended."""
        try:
            model_admin, action = self._find()
            selection = self._selection()
            task = self._task(action, selection)
        except RefusedError as refusal:
            logger.warning("progress task %s is refused: %s", self._run.pk, refusal)
            self._finish(State.FAILED, failure=str(refusal))
            return
        work = functools.partial(self._work, model_admin, action, task, selection)
        while not self._try(task, work):
            task.ask(None)  # the wish to pause was taken back while it was obeyed

    # Private.

    def _try(self, task: Task, work: Callable[[], Any]) -> bool:
        """Do the work, and return whether that is all."""
        report = Report(self._run, task)
        reporter.add(report)
        try:
            state, values = self._attempt(task, work)
        finally:
            reporter.remove(report)
        return self._finish(state, **report.close(), **values)

    def _find(self) -> tuple[Any, ProgressAction]:
        """Return the action, when its user may still do it.

        Raises:
            RefusedError: not any more.
        """
        run = self._run
        try:
            model_admin, action = actions.find(run.site, run.model, run.action)
        except LookupError as error:
            sentence = _("There is no such action any more: %(error)s")
            raise RefusedError(sentence % {"error": error}) from error
        if run.user is not None:
            request = request_of(run.user)
            if not model_admin.admin_site.has_permission(request):
                raise RefusedError(_("The user may not use the admin any more."))
            for name in action.options.permissions:
                if not getattr(model_admin, f"has_{name}_permission")(request):
                    sentence = _("The user has not got the permission “%(name)s” any more.")
                    raise RefusedError(sentence % {"name": name})
        return model_admin, action

    def _selection(self) -> TaskSelection:
        """Return what the work is to be done on.

        Raises:
            RefusedError: nobody knows any more.
        """
        selection = TaskSelection.objects.filter(pk=self._run.pk).first()
        if selection is None:
            raise RefusedError(_("What was selected is not known any more: start it anew."))
        return selection

    def _task(self, action: ProgressAction, selection: TaskSelection) -> Task:
        run, each = self._run, action.options.each
        if not each:  # it begins anew
            run.done, run.cursor, run.total = 0, 0, None
            run.error_count, run.errors = 0, []
        task = Task(run, user=run.user, params=_params(action, run.params), leaves=each)
        if each:
            task.take_up(selection.keys, selection.failed)
        return task

    def _attempt(self, task: Task, work: Callable[[], Any]) -> tuple[State, dict[str, Any]]:
        """Return how the work has ended, and what there is to say of it."""
        try:
            result = work()
        except TaskPaused:
            return State.PAUSED, {"worker": ""}
        except TaskCancelled:
            return State.CANCELLED, {}
        except StoppedError as stop:
            return State.FAILED, {"failure": clean(stop, MAX_FAILURE)}
        except BaseException as error:  # whatever a body raises, sys.exit() included
            logger.exception("progress task %s failed", self._run.pk)
            return State.FAILED, {"failure": clean(f"{type(error).__name__}: {error}", MAX_FAILURE)}
        state = State.PARTIAL if task.error_count else State.SUCCEEDED
        try:
            return state, {"result": _plain(result)}
        except EncodeError as error:
            task.log(_("The result is not kept: %(error)s") % {"error": error})
            return state, {}

    def _work(
        self, model_admin: Any, action: ProgressAction, task: Task, selection: TaskSelection
    ) -> Any:
        options = action.options
        queryset = model_admin.get_queryset(request_of(self._run.user))

        def work(what: Any) -> Any:
            if inspect.iscoroutinefunction(action.body):
                # Its calls of the ORM come back to this thread, and into its transaction.
                return async_to_sync(action.run_async)(model_admin, task, what)
            return action.run(model_admin, task, what)

        if options.each:
            work_through(task, queryset, selection.keys, work, options)
            return None
        objects = chosen(queryset, selection)
        if options.is_atomic:
            with transaction.atomic(router.db_for_write(queryset.model)):
                return work(objects)
        return work(objects)

    def _finish(self, state: State, **values: Any) -> bool:
        """Write down how it ended, and return False when it has not, because it need not pause."""
        run = self._run
        where = Q(wish=ProgressTask.PAUSE) if state == State.PAUSED else Q()
        ended = patiently(become, run, state, where=where, **values)
        if not ended and state == State.PAUSED:
            if run.state == State.RUNNING:
                return False
            ended = patiently(become, run, State.CANCELLED, **values)
        if not ended:
            logger.warning("progress task %s ended as %s, but is %s", run.pk, state, run.state)
        tell(run)
        return True


def patiently(function: Callable[..., bool], *args: Any, **values: Any) -> bool:
    """Call a function that asks a database which may be away for a moment."""
    for _turn in range(TURNS):
        try:
            return function(*args, **values)
        except DatabaseError:
            logger.exception("the database did not take the end of a progress task, trying again")
            connections.close_all()
            time.sleep(TURN_S)
    return function(*args, **values)


def request_of(user: Any) -> HttpRequest:
    """Return a request for the methods of a ModelAdmin that take one: it has a user, no more."""
    # A model, which can be imported when the apps are loaded.
    from django.contrib.auth.models import AnonymousUser

    request = HttpRequest()
    request.user = AnonymousUser() if user is None else user
    return request


def _params(action: ProgressAction, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the form of an action makes of what was filled in.

    Raises:
        RefusedError: it does not accept it any more.
    """
    form_class = action.options.form
    if form_class is None:
        return given
    data = QueryDict(mutable=True)
    for name, value in given.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    form = form_class(data)
    if form.is_valid():
        return dict(form.cleaned_data)
    sentence = _("The form does not accept its values any more: %(errors)s")
    raise RefusedError(sentence % {"errors": form.errors.as_text()})


def _plain(result: Any) -> Any:
    """Return a result as JSON has it.

    Raises:
        EncodeError: a value in it cannot be encoded; names its key path.
    """
    frame = encode("result", {"result": result})
    return decode(NUL.sub(rb"\1\\ufffd", frame))[1]["result"]
