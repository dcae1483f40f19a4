"""Progress tasks: a row for each run, what it works on, what it says, and the files it leaves."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from tws_admin import conf
from tws_admin.progress.states import ACTIVE, State

__all__ = ["ProgressTask", "TaskFile", "TaskNote", "TaskSelection"]

TEXT_MAX_LENGTH = 200
"""Characters of a label, of a title, and of what is kept of an error's message."""


class ProgressTask(models.Model):
    """One run of an action; its state changes by `tws_admin.progress.transitions` alone."""

    STATES = {
        State.QUEUED: _("queued"),
        State.RUNNING: _("running"),
        State.PAUSED: _("paused"),
        State.CANCELLING: _("cancelling"),
        State.CANCELLED: _("cancelled"),
        State.SUCCEEDED: _("succeeded"),
        State.PARTIAL: _("partly succeeded"),
        State.FAILED: _("failed"),
        State.LOST: _("lost"),
    }
    PAUSE = "pause"

    id = models.UUIDField(_("ID"), primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=[(str(state), name) for state, name in STATES.items()],
        default=str(State.QUEUED),
    )
    # "pause" until the work notices; a wish to cancel is a state, one to be queued again, too.
    wish = models.CharField(_("wish"), max_length=8, blank=True, default="")
    wished_at = models.DateTimeField(_("wished at"), null=True, blank=True)

    # Where the action is found: the site's name, the model as "app.model", the action's name.
    site = models.CharField(_("admin site"), max_length=100)
    model = models.CharField(_("model"), max_length=200)
    action = models.CharField(_("action"), max_length=100)
    title = models.CharField(_("task"), max_length=TEXT_MAX_LENGTH)
    # Filled as long as an action that allows only one run has this one.
    single_key = models.CharField(max_length=400, unique=True, null=True, editable=False)  # noqa: DJ001

    user = models.ForeignKey(
        conf.auth_user_model(),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    engine = models.CharField(_("engine"), max_length=50)
    worker = models.CharField(_("worker"), max_length=TEXT_MAX_LENGTH, blank=True, default="")
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    retry_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
        verbose_name=_("retry of"),
    )

    selected = models.PositiveIntegerField(_("selected"), default=0)
    # How many of the selection are finished: where a run that goes object by object goes on.
    cursor = models.PositiveIntegerField(_("cursor"), default=0)
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=TEXT_MAX_LENGTH, blank=True, default="")
    rate = models.FloatField(_("rate"), null=True, blank=True)
    error_count = models.PositiveIntegerField(_("errors"), default=0)
    # The first hundred: {"pk", "text", "class", "message"}.
    errors = models.JSONField(_("item errors"), default=list, blank=True)
    # Why it failed, was refused or lost.
    failure = models.TextField(_("failure"), blank=True, default="")
    params = models.JSONField(_("parameters"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    result = models.JSONField(_("result"), null=True, blank=True, encoder=DjangoJSONEncoder)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    progressed_at = models.DateTimeField(_("last progress"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    heartbeat = models.DateTimeField(_("heartbeat"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ("view", "change", "delete")
        verbose_name = _("progress task")
        verbose_name_plural = _("progress tasks")
        indexes = [
            models.Index(fields=["state", "engine"], name="tws_task_state"),
            models.Index(fields=["-created_at"], name="tws_task_created"),
            models.Index(fields=["user", "state"], name="tws_task_user"),
            models.Index(fields=["model", "state"], name="tws_task_model"),
            models.Index(fields=["ended_at"], name="tws_task_ended"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:
        """Whether the work is not over."""
        return self.state in ACTIVE

    @property
    def path(self) -> str:
        """The path of its own WebSocket, to which a `ProgressBar` is bound."""
        return f"/tornado_websockets/tasks/{self.pk}"


class TaskSelection(models.Model):
    """What an action was clicked for: primary keys, in a row with the id that its run will have.

    It may be there before the run, while somebody looks at a page between.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    keys: models.JSONField[Any, Any] = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # Those on which the run failed, all of them.
    failed: models.JSONField[Any, Any] = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    site = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    action = models.CharField(max_length=100)
    user = models.ForeignKey(
        conf.auth_user_model(), on_delete=models.CASCADE, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("selection")
        verbose_name_plural = _("selections")

    def __str__(self) -> str:
        return f"{self.model} ({self.pk})"


class TaskNote(models.Model):
    """A line of a run: it got a state, or the work said something."""

    task = models.ForeignKey(
        ProgressTask, on_delete=models.CASCADE, related_name="notes", verbose_name=_("task")
    )
    time = models.DateTimeField(_("time"))
    # Empty for what the work said.
    state = models.CharField(_("state"), max_length=16, blank=True, default="")
    by = models.ForeignKey(
        conf.auth_user_model(),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    text = models.TextField(_("text"), blank=True, default="")

    class Meta:
        ordering = ("pk",)
        default_permissions = ()
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text or self.state


class TaskFile(models.Model):
    """A file that a run has left, in the storage ``tws_admin`` or else in this row."""

    task = models.ForeignKey(
        ProgressTask, on_delete=models.CASCADE, related_name="files", verbose_name=_("task")
    )
    name = models.CharField(_("name"), max_length=TEXT_MAX_LENGTH)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    content = models.BinaryField(null=True)
    # The name that the storage has given it.
    stored = models.CharField(max_length=400, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["task", "name"], name="tws_file_of_task"),
        ]
        verbose_name = _("file of a task")
        verbose_name_plural = _("files of tasks")

    def __str__(self) -> str:
        return self.name
