"""Every admin site of the project gets a model's pages, whoever makes the site, and when."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.db.models import Model

__all__ = ["register_everywhere"]


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
    if hasattr(AdminSite.get_urls, "__wrapped__"):
        return
    make_urls = AdminSite.get_urls
    # Those that had it once: a project that unregisters it meant to.
    served = weakref.WeakSet[AdminSite]([admin.site])

    @functools.wraps(make_urls)
    def get_urls(self: AdminSite) -> list[Any]:
        if self not in served:
            served.add(self)
            if not self.is_registered(model):
                self.register(model, model_admin)
        return make_urls(self)

    AdminSite.get_urls = get_urls  # type: ignore[method-assign]
