"""What this process itself changes of users, sessions and permissions, by Django's signals.

The receivers run in whatever thread made the change, after its transaction, and only tell the
event loop where to look.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.db.transaction import on_commit
from django.utils import timezone

from tornado_websockets import conf
from tornado_websockets.auth import sessions
from tornado_websockets.auth.watch import watch
from tornado_websockets.runtime import runtime

__all__ = ["listen"]

HARMLESS = frozenset({"last_login"})
"""Fields of a user that no session depends on; each login saves them."""


@functools.cache
def listen() -> None:
    """Connect the receivers, once, in a process that serves.

    Each is connected to the models that matter alone: Django deletes faster where nobody listens.
    """
    user = get_user_model()
    user_logged_out.connect(_logged_out, dispatch_uid="tornado_websockets.auth.changes")
    for signal in (post_save, post_delete):
        _connect(signal, _user_changed, user)
    session = sessions.session_model()
    if session is not None:
        _connect(post_save, _session_saved, session)
        _connect(post_delete, _session_deleted, session)
    group, permission = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
    for model in (group, permission):
        _connect(post_delete, _permissions_changed, model)
    _connect(m2m_changed, _permissions_changed, group.permissions.through)
    for name in ("groups", "user_permissions"):
        field = getattr(user, name, None)  # a user model may do without
        if field is not None:
            _connect(m2m_changed, _permissions_changed, field.through)


def _connect(signal: Any, receiver: Callable[..., None], sender: Any) -> None:
    uid = f"tornado_websockets.auth.changes.{receiver.__name__}"
    signal.connect(receiver, sender=sender, dispatch_uid=uid)


def _tell(using: str, function: Callable[..., None], *args: Any) -> None:
    # Robust: what goes wrong here is nothing to the transaction.
    on_commit(functools.partial(runtime.call, function, *args), using=using, robust=True)


def _logged_out(*, request: Any = None, **kwargs: Any) -> None:
    # Comes before the session is deleted, whatever engine keeps it.
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key:
        runtime.call(watch.end, key)


def _user_changed(
    *, instance: Any, using: str, update_fields: frozenset[str] | None = None, **kwargs: Any
) -> None:
    if watch.has_user(instance.pk) and not (update_fields and update_fields <= HARMLESS):
        _tell(using, watch.recheck_user, instance.pk)


def _session_saved(*, instance: Any, using: str, **kwargs: Any) -> None:
    if not watch.has_session(instance.session_key):
        return
    left_s = (instance.expire_date - timezone.now()).total_seconds()
    if left_s < conf.get().recheck_period:  # else the next check sees it
        _tell(using, watch.recheck_session, instance.session_key, max(left_s, 0.0))


def _session_deleted(*, instance: Any, using: str, **kwargs: Any) -> None:
    if watch.has_session(instance.session_key):
        _tell(using, watch.end, instance.session_key)


def _permissions_changed(*, using: str, action: str = "post_", **kwargs: Any) -> None:
    if action.startswith("post_"):
        _tell(using, watch.recheck)
