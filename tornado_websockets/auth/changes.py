"""What this process itself changes of users, sessions and permissions, by Django's signals.

The receivers run in whatever thread made the change, after its transaction, and only tell the
event loop where to look: that of this process, and through a shared layer those of all nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import user_logged_out
from django.core.signals import request_started
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.db.transaction import on_commit
from django.utils import timezone

from tornado_websockets import conf
from tornado_websockets.auth import sessions
from tornado_websockets.auth.watch import watch
from tornado_websockets.layers import layer
from tornado_websockets.runtime import runtime

__all__ = ["listen", "listen_without_server"]

HARMLESS: Final = frozenset({"last_login"})
"""Fields of a user that no session depends on; each login saves them."""

UID: Final = "tornado_websockets.auth.changes"


def listen() -> None:
    """Connect the receivers in a process that serves, and hear what other processes tell.

    Each is connected to the models that matter alone: Django deletes faster where nobody listens.
    """
    hearing = layer().hearing
    if not HEARING.keys() <= hearing.keys():  # else, most often, it is not the first time
        hearing.update(HEARING)
    _listen_to_users()
    _listen_to_sessions()


def listen_without_server() -> None:
    """Connect the receivers in any process of a project with a shared layer.

    Those of sessions only with the first request: the command ``clearsessions`` would have to load
    every session that it deletes.
    """
    if apps.is_installed("django.contrib.auth"):
        _listen_to_users()
        request_started.connect(_requested, dispatch_uid=UID)


def _requested(**kwargs: Any) -> None:
    request_started.disconnect(dispatch_uid=UID)
    _listen_to_sessions()


@functools.cache
def _listen_to_users() -> None:
    user = get_user_model()
    user_logged_out.connect(_logged_out, dispatch_uid=UID)
    for signal in (post_save, post_delete):
        _connect(signal, _user_changed, user)
    group, permission = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
    for model in (group, permission):
        _connect(post_delete, _permissions_changed, model)
    _connect(m2m_changed, _permissions_changed, group.permissions.through)
    for name in ("groups", "user_permissions"):
        field = getattr(user, name, None)  # a user model may do without
        if field is not None:
            _connect(m2m_changed, _users_permissions_changed, field.through)


@functools.cache
def _listen_to_sessions() -> None:
    session = sessions.session_model()
    if session is not None:
        _connect(post_save, _session_saved, session)
        _connect(post_delete, _session_deleted, session)


def _connect(signal: Any, receiver: Callable[..., None], sender: Any) -> None:
    signal.connect(receiver, sender=sender, dispatch_uid=f"{UID}.{receiver.__name__}")


# The receivers.


def _logged_out(*, request: Any = None, **kwargs: Any) -> None:
    # Comes before the session is deleted, whatever engine keeps it.
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key:
        _tell("session_ended", {"digest": sessions.digest(key)})


def _user_changed(
    *,
    instance: Any,
    using: str,
    update_fields: frozenset[str] | None = None,
    created: bool = False,
    **kwargs: Any,
) -> None:
    if not created and not (update_fields and update_fields <= HARMLESS):
        _tell_of_user(using, instance)


def _users_permissions_changed(
    *, instance: Any, using: str, action: str, reverse: bool, **kwargs: Any
) -> None:
    if reverse:  # instance is a group or a permission
        _permissions_changed(using=using, action=action)
    elif action.startswith("post_"):
        _tell_of_user(using, instance)


def _permissions_changed(*, using: str, action: str = "post_", **kwargs: Any) -> None:
    if action.startswith("post_"):
        _tell_after_commit(using, "permissions_changed", {})


def _session_saved(*, instance: Any, using: str, **kwargs: Any) -> None:
    left_s = (instance.expire_date - timezone.now()).total_seconds()
    if left_s < conf.get().recheck_period:  # else the next check sees it
        digest = sessions.digest(instance.session_key)
        if layer().is_shared or watch.has_session(digest):
            data = {"digest": digest, "left_s": max(left_s, 0.0)}
            _tell_after_commit(using, "session_expires", data)


def _session_deleted(*, instance: Any, using: str, **kwargs: Any) -> None:
    digest = sessions.digest(instance.session_key)
    if watch.has_session(digest) or (layer().is_shared and _has_user(instance)):
        _tell_after_commit(using, "session_ended", {"digest": digest})


def _has_user(session: Any) -> bool:
    # Each login deletes the session of nobody that was there before.
    return session.expire_date > timezone.now() and SESSION_KEY in session.get_decoded()


def _tell_of_user(using: str, user: Any) -> None:
    if layer().is_shared or watch.has_user(str(user.pk)):
        _tell_after_commit(using, "user_changed", {"user": str(user.pk)})


def _tell_after_commit(using: str, topic: str, data: Mapping[str, Any]) -> None:
    def tell() -> None:
        _tell(topic, data)

    # Robust: what goes wrong here is nothing to the transaction.
    on_commit(tell, using=using, robust=True)


def _tell(topic: str, data: Mapping[str, Any]) -> None:
    runtime.call(HEARING[topic], data)
    layer().tell(topic, data)


# On the event loop of each node; a session is known by its digest alone, which logs nobody in.


def _hear_session_ended(data: Mapping[str, Any]) -> None:
    watch.end(str(data["digest"]))


def _hear_session_expires(data: Mapping[str, Any]) -> None:
    # What comes later than the next check of all is seen by it. NaN, which no timer bears, is 0.
    left_s = min(max(0.0, float(data["left_s"])), conf.get().recheck_period)
    watch.recheck_session(str(data["digest"]), left_s)


def _hear_user_changed(data: Mapping[str, Any]) -> None:
    watch.recheck_user(str(data["user"]))


def _hear_permissions_changed(_data: Mapping[str, Any]) -> None:
    watch.recheck()


HEARING: Final[Mapping[str, Callable[[Mapping[str, Any]], None]]] = {
    "session_ended": _hear_session_ended,
    "session_expires": _hear_session_expires,
    "user_changed": _hear_user_changed,
    "permissions_changed": _hear_permissions_changed,
}
"""What is told, by topic."""
