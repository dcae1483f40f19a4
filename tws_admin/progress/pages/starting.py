"""The page between the click on an action and its work: a question, a form, or both."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.page.figures import write
from tws_admin.progress import access, submission
from tws_admin.progress.actions import ProgressAction, find
from tws_admin.progress.pages.cards import url
from tws_admin.progress.pages.views import SeeOther, asked_next

__all__ = ["MAX_NAMES", "TEMPLATE", "start"]

TEMPLATE: Final = "tws_admin/tasks/start.html"

MAX_NAMES: Final = 20
"""Objects that the page names."""


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, pk: uuid.UUID, *, site: AdminSite) -> HttpResponseBase:
    """Ask before an action starts, and start it; a selection is its user's alone.

    Raises:
        Http404: there is no such selection, for this user and on this site.
        PermissionDenied: the user may not do it, by now.
    """
    selection = _selection(site, request, pk)
    try:
        model_admin, action = find(site.name, selection.model, selection.action)
    except LookupError:
        raise Http404(_("There is no such action any more.")) from None
    for name in action.options.permissions:
        if not getattr(model_admin, f"has_{name}_permission")(request):
            raise PermissionDenied
    run = ProgressTask.objects.filter(pk=selection.pk).first()
    if run is not None:
        submission.announce(request, run, False)
        return SeeOther(url("change", run.pk, site.name))
    back = asked_next(request, _changelist(model_admin, site))
    is_sent = request.method == "POST"
    form_class = action.options.form
    form = None if form_class is None else form_class(request.POST if is_sent else None)
    if is_sent and (form is None or form.is_valid()):
        return _submit(request, selection, back, has_form=form is not None)
    context = _context(model_admin, request, action, selection, form)
    own = action.options.confirm
    template = own if isinstance(own, str) else TEMPLATE
    return TemplateResponse(
        request, template, {**site.each_context(request), **context, "next": back}
    )


def _selection(site: AdminSite, request: HttpRequest, pk: uuid.UUID) -> TaskSelection:
    own = TaskSelection.objects.filter(pk=pk, site=site.name, user=request.user.pk)
    selection = own.first() if access.attends(request.user) else None
    if selection is None:
        raise Http404(_("There is no such selection: choose the objects again."))
    return selection


def _submit(
    request: HttpRequest, selection: TaskSelection, back: str, *, has_form: bool
) -> HttpResponseBase:
    form_data = request.POST if has_form else None
    try:
        run, created = submission.submit(selection, user=request.user, form_data=form_data)
    except submission.AlreadyActiveError as error:
        messages.error(request, str(error))
    else:
        submission.announce(request, run, created)
    return SeeOther(back)


def _context(
    model_admin: Any,
    request: HttpRequest,
    action: ProgressAction,
    selection: TaskSelection,
    form: Any,
) -> dict[str, Any]:
    """Return what the page shows, and the page of a project that is named as ``confirm``."""
    count = len(selection.keys)
    more = max(0, count - MAX_NAMES)
    shown = model_admin.get_queryset(request).filter(pk__in=selection.keys[:MAX_NAMES])
    title = submission.title(model_admin, action)
    opts = model_admin.opts
    fields = [(None, {"fields": list(form.fields)})] if form is not None else []
    return {
        "title": title,
        "subtitle": None,
        "opts": opts,
        "original": title,
        "has_view_permission": model_admin.has_view_or_change_permission(request),
        # By its name: templates would call the action itself.
        "action": selection.action,
        "selection": selection,
        "count": count,
        "objects": f"{write(count, 'number')} {model_ngettext(opts, count)}",
        "names": [str(each) for each in shown],
        "more": more,
        "others": write(more, "number"),
        "form": form,
        "adminform": None if form is None else AdminForm(form, fields, {}),
        "media": model_admin.media if form is None else model_admin.media + form.media,
        "errors": form is not None and bool(form.errors),
    }


def _changelist(model_admin: Any, site: AdminSite) -> str:
    opts = model_admin.opts
    name = f"admin:{opts.app_label}_{opts.model_name}_changelist"
    return reverse(name, current_app=site.name)
