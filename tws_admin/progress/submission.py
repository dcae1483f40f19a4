"""From a click to a run, one however often it is sent."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.apps import apps
from django.contrib import messages
from django.contrib.admin.utils import model_ngettext
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tws_admin.models import TEXT_MAX_LENGTH, ProgressTask, TaskNote, TaskSelection
from tws_admin.page.figures import write
from tws_admin.progress import engines, log
from tws_admin.progress.actions import ProgressAction, find, holder, of
from tws_admin.progress.rows import url
from tws_admin.progress.selection import TooManyError, keys_of
from tws_admin.progress.states import State
from tws_admin.progress.work.report import tell

__all__ = ["AlreadyActiveError", "announce", "click", "select", "send", "start", "submit", "title"]

NAMESPACE: Final = uuid.UUID("5cdb4a1e-91b1-4a3c-8ad1-6a3b0e0ce6ce")
"""Of ids that follow from what was sent."""


class AlreadyActiveError(Exception):
    """Only one run of an action is allowed at a time, and there is one.

    Args:
        run: that run.
    """

    def __init__(self, run: ProgressTask) -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        return _("“%(title)s” is at work already: wait for its end, or cancel it.") % {
            "title": self.run.title
        }


def click(
    action: ProgressAction, model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Take an action that was chosen in the admin; return where to go, None for where one was."""
    try:
        keys = keys_of(queryset, action.options.max_items)
    except TooManyError as error:
        sentence = _("This takes at most %(limit)d objects at a time: select fewer.")
        messages.error(request, sentence % {"limit": error.limit})
        return None
    name = next(name for name, found in of(model_admin).items() if found is action)
    selection = select(model_admin, name, keys, user=request.user, sent=_sent(request, keys))
    if action.options.asks_first:
        page = reverse(
            "admin:tws_admin_progresstask_start",
            args=[selection.pk],
            current_app=model_admin.admin_site.name,
        )
        return HttpResponseRedirect(f"{page}?{urlencode({'next': request.get_full_path()})}")
    try:
        announce(request, *submit(selection, user=request.user))
    except AlreadyActiveError as error:
        messages.error(request, str(error))
    return None


def select(
    model_admin: Any, name: str, keys: Sequence[Any], *, user: Any = None, sent: str | None = None
) -> TaskSelection:
    """Keep what was selected, under the id that its run will have.

    Args:
        model_admin: has the action.
        name: of the action.
        keys: primary keys.
        user: who has selected.
        sent: what a second sending of the same click has in common with it; None for nothing.
    """
    site = model_admin.admin_site.name
    model = model_admin.model._meta.label
    pk = uuid.uuid4() if sent is None else uuid.uuid5(NAMESPACE, f"{site} {model} {name} {sent}")
    values = {"keys": list(keys), "site": site, "model": model, "action": name, "user": user}
    return TaskSelection.objects.get_or_create(pk=pk, defaults=values)[0]


def submit(
    selection: TaskSelection,
    *,
    user: Any = None,
    params: Mapping[str, Any] | None = None,
    form_data: QueryDict | None = None,
    retry_of: ProgressTask | None = None,
    by: Any = None,
) -> tuple[ProgressTask, bool]:
    """Make the run of a selection, which is queued when the transaction is committed.

    Args:
        selection: its id is that of the run.
        user: whose run it is, None for the program itself.
        params: of the work.
        form_data: what was filled in, in place of params.
        retry_of: the run whose failures it takes up.
        by: who has asked for it, when that is not the user.

    Returns:
        The run, and False when there was one already.

    Raises:
        AlreadyActiveError: only one is allowed at a time.
        LookupError: there is no such action any more.
    """
    known = ProgressTask.objects.filter(pk=selection.pk).first()
    if known is not None:
        return known, False
    model_admin, action = find(selection.site, selection.model, selection.action)
    key = f"{selection.site} {selection.model} {selection.action}"
    values = {
        "site": selection.site,
        "model": selection.model,
        "action": selection.action,
        "title": title(model_admin, action),
        "single_key": key if action.options.single else None,
        "user": user,
        "language": translation.get_language() or "",
        "engine": engines.name_of(action),
        "selected": len(selection.keys),
        "total": len(selection.keys) if action.options.each else None,
        "params": _filled_in(form_data) if form_data is not None else dict(params or {}),
        "retry_of": retry_of,
    }
    try:
        # It begins with writing: SQLite lets no transaction write that has read what has changed.
        with transaction.atomic():
            run = ProgressTask.objects.create(pk=selection.pk, **values)
            TaskNote.objects.create(
                task=run, time=timezone.now(), state=str(State.QUEUED), by=by or user
            )
            log.started(run, by or user)
            transaction.on_commit(functools.partial(send, run))
    except IntegrityError:
        other = _other(selection, key)
        if other is None:
            raise
        return other, False
    return run, True


def start(
    action: ProgressAction,
    queryset: QuerySet[Any],
    *,
    user: Any = None,
    params: Mapping[str, Any] | None = None,
    site: str | None = None,
) -> ProgressTask:
    """Start an action from anywhere, see `ProgressAction.start`."""
    model_admin, name = holder(action, queryset.model, site)
    form_class = action.options.form
    if form_class is not None:
        form = form_class(dict(params or {}))
        if not form.is_valid():
            raise ValueError(f"the form does not accept params: {form.errors.as_text()}")
    keys = keys_of(queryset, action.options.max_items)
    selection = select(model_admin, name, keys, user=user)
    return submit(selection, user=user, params=params)[0]


def announce(request: HttpRequest, run: ProgressTask, created: bool) -> None:
    """Tell the visitor that the work has begun, or had been."""
    if created:
        level, sentence = messages.SUCCESS, _("Started on {count} {objects}: {task}.")
    else:
        level, sentence = messages.INFO, _("This was sent before, and is done once: {task}.")
    words = {
        "count": write(run.selected, "number"),
        "objects": model_ngettext(apps.get_model(run.model)._meta, run.selected),
        "task": format_html('<a href="{}">{}</a>', url(run), run.title),
    }
    messages.add_message(request, level, format_html(sentence, **words))


def title(model_admin: Any, action: ProgressAction) -> str:
    """Return what an action is called, as the admin writes it."""
    opts = model_admin.model._meta
    words = getattr(action, "plural_description", None) or getattr(
        action, "short_description", action.name.replace("_", " ").capitalize()
    )
    names = {"verbose_name": opts.verbose_name, "verbose_name_plural": opts.verbose_name_plural}
    return str(str(words) % names)[:TEXT_MAX_LENGTH]


def send(run: ProgressTask) -> None:
    """Hand a run that is queued to its engine, once the transaction is committed."""
    engines.submit(run)
    tell(run)


# Private.


def _other(selection: TaskSelection, key: str) -> ProgressTask | None:
    """Return the run of a selection that another request has made meanwhile, None for no such.

    Raises:
        AlreadyActiveError: it is the run of another selection that stands in the way.
    """
    same = ProgressTask.objects.filter(pk=selection.pk).first()
    active = ProgressTask.objects.filter(single_key=key).first()
    if same is None and active is not None:
        raise AlreadyActiveError(active) from None
    return same


def _sent(request: HttpRequest, keys: Sequence[Any]) -> str | None:
    """Return what one click has in common with itself when it is sent again, and with no other.

    The token of a page differs each time it is rendered, and so from click to click.
    """
    token = request.POST.get("csrfmiddlewaretoken")
    if not token:
        return None
    return f"{request.user.pk} {token} {','.join(map(str, keys))}"


def _filled_in(form_data: QueryDict) -> dict[str, list[str]]:
    ours = {"csrfmiddlewaretoken", "next"}
    return {
        name: [str(value) for value in values]
        for name, values in form_data.lists()
        if name not in ours
    }
