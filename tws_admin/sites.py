"""Every admin site of the project gets pages of this package, whoever makes the site, and when."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["frame_everywhere", "register_everywhere"]

Frame = Callable[[AdminSite, HttpRequest, HttpResponseBase], HttpResponseBase]


class _Guest:
    """A model that joins each site once: a project that unregisters it means to.

    Attributes:
        model_admin: its class, where a site has no other.
        served: the sites that had it; the default one has it already, or does not want it.
    """

    def __init__(self, model_admin: type[Any]) -> None:
        self.model_admin = model_admin
        self.served = weakref.WeakSet[AdminSite]([admin.site])


_guests: Final[dict[type[Model], _Guest]] = {}


def register_everywhere(model: type[Model], model_admin: type[Any]) -> None:
    """Let every admin site register a model when it makes its URLs; once is enough.

    A site may be made in any module, imported sooner or later than the apps are ready, and be of
    any class: Django tells nobody. But each is asked for its URLs before it serves a page, and
    what it has registered by then is in them. So that is where the model joins; a class that has
    a `get_urls` of its own calls this one, as that is where the admin's pages come from.

    Args:
        model: the default site has it already, or does not want it.
        model_admin: where a site has no other for it.
    """
    _guests.setdefault(model, _Guest(model_admin))
    make_urls = AdminSite.get_urls
    if hasattr(make_urls, "__wrapped__"):
        return

    @functools.wraps(make_urls)
    def get_urls(self: AdminSite) -> list[Any]:
        for each, guest in _guests.items():
            if self not in guest.served:
                guest.served.add(self)
                if not self.is_registered(each):
                    self.register(each, guest.model_admin)
        return make_urls(self)

    AdminSite.get_urls = get_urls  # type: ignore[method-assign]


def frame_everywhere(frame: Frame) -> None:
    """Let a function see what each page behind the login of any admin site answers; one, once.

    Args:
        frame: takes the site, the request and the answer, which it may change or replace.
    """
    protect = AdminSite.admin_view
    if hasattr(protect, "__wrapped__"):
        return

    @functools.wraps(protect)
    def admin_view(self: AdminSite, view: Callable[..., Any], cacheable: bool = False) -> Any:
        protected = protect(self, view, cacheable)

        @functools.wraps(protected)
        def framed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return frame(self, request, protected(request, *args, **kwargs))

        return framed

    AdminSite.admin_view = admin_view  # type: ignore[method-assign]
