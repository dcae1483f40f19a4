"""Actions of the admin that start long work: the decorator, and where an action is found again.

The request ends when the work begins, so an action takes a `Task` where others take the request.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, overload

from django.apps import apps
from django.contrib.admin.sites import all_sites
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver

from tws_admin.progress.options import Options

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tws_admin.models import ProgressTask

__all__ = ["ProgressAction", "any_registered", "find", "holder", "of", "progress_action"]

Body = Callable[..., Any]


class ProgressAction:
    """An action whose work goes on after the request, with its progress to be seen.

    The admin calls it as any other action, and tells of it by the attributes that
    `django.contrib.admin.action` gives a function.

    Args:
        body: does the work; takes the ModelAdmin when it is a method, a `Task`, and one object or a
            queryset.
        options: how it behaves.

    Attributes:
        name: what it is called in ``ModelAdmin.actions``.
    """

    def __init__(self, body: Body, options: Options) -> None:
        functools.update_wrapper(self, body)
        self.body = body
        self.options = options
        self.name: str = body.__name__
        self.is_method = False
        self.allowed_permissions = list(options.permissions)
        description = options.description
        if description is not None:
            self.short_description = description
        plural = options.description_plural or description
        if plural is not None:
            self.plural_description = plural
        location = options.location
        if location is not None:
            self.locations = list(location) if isinstance(location, (list, tuple)) else [location]
        _made.append(self.name)

    def __repr__(self) -> str:
        return f"<ProgressAction {self.__module__}.{self.name}>"

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.is_method = True
        self.name = self.__name__ = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> ProgressAction: ...
    @overload
    def __get__(self, instance: Any, owner: type[Any]) -> MethodType: ...
    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __call__(
        self, model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        """Take what was selected in the admin, and start the work or ask first."""
        # It reads models, which the module of an app must not do while apps are loaded.
        from tws_admin.progress.submission import click

        return click(self, model_admin, request, queryset)

    def start(
        self,
        queryset: QuerySet[Any],
        *,
        user: Any = None,
        params: Mapping[str, Any] | None = None,
        site: str | None = None,
    ) -> ProgressTask:
        """Start the work from anywhere: a view, a command.

        Args:
            queryset: what to work on; its primary keys are taken now.
            user: whose work it is, and whose permissions it needs; None is the program itself,
                which needs none.
            params: what the action's form would ask for, by field.
            site: name of the admin site that has the action; None is any that has it.

        Returns:
            The run, which is queued when the transaction is committed.

        Raises:
            LookupError: no admin site has this action for the model.
            ValueError: the form does not accept params, or there are more objects than max_items.
            AlreadyActive: only one run is allowed at a time, and there is one.
        """
        # As above.
        from tws_admin.progress.submission import start

        return start(self, queryset, user=user, params=params, site=site)

    def run(self, model_admin: Any, task: Any, work: Any) -> Any:
        """Call the body."""
        return self.body(model_admin, task, work) if self.is_method else self.body(task, work)

    async def run_async(self, model_admin: Any, task: Any, work: Any) -> Any:
        """Call the body, which is a coroutine function."""
        return await self.run(model_admin, task, work)


_made: Final[list[str]] = []


@overload
def progress_action(function: Body, /) -> ProgressAction: ...
@overload
def progress_action(**options: Any) -> Callable[[Body], ProgressAction]: ...
def progress_action(function: Body | None = None, /, **options: Any) -> Any:
    """Make an action of the admin whose work goes on after the request, as a decorator.

    Args:
        function: does the work: ``(self, task, queryset)``, or ``(self, task, object)`` with each.
        options: the fields of `Options`, by name.

    Raises:
        ValueError: an option is something else than expected.
        TypeError: there is no such option.
    """
    known = [field.name for field in dataclasses.fields(Options)]
    if unknown := [name for name in options if name not in known]:
        raise TypeError(f"{unknown[0]} is no option of @progress_action: {', '.join(known)} are")

    def decorate(body: Body) -> ProgressAction:
        return ProgressAction(body, Options(**options))

    return decorate if function is None else decorate(function)


def any_registered() -> bool:
    """Return whether this project has any action of this kind."""
    return bool(_made)


def of(model_admin: Any) -> dict[str, ProgressAction]:
    """Return the actions of this kind that a ModelAdmin has, or its site, by name."""
    found = {
        name: action
        for name, action in model_admin.admin_site.actions
        if isinstance(action, ProgressAction)
    }
    for each in model_admin.actions or ():
        action = getattr(type(model_admin), each, None) if isinstance(each, str) else each
        if isinstance(action, ProgressAction):
            found[each if isinstance(each, str) else action.name] = action
    return found


def find(site: str, model: str, name: str) -> tuple[Any, ProgressAction]:
    """Return the ModelAdmin that has an action, and the action.

    Args:
        site: name of the admin site.
        model: as ``app.model``.
        name: of the action.

    Raises:
        LookupError: there is no such site, model or action, now; says which.
    """
    model_class = apps.get_model(model)
    for admin_site in _sites(site):
        if admin_site.is_registered(model_class):
            model_admin = admin_site.get_model_admin(model_class)
            action = of(model_admin).get(name)
            if action is not None:
                return model_admin, action
    raise LookupError(f"the admin site {site!r} has no action {name!r} for {model}")


def holder(action: ProgressAction, model: type[Any], site: str | None = None) -> tuple[Any, str]:
    """Return a ModelAdmin of a model that has an action, and what it calls it.

    Raises:
        LookupError: there is none.
    """
    for admin_site in _sites(site):
        if admin_site.is_registered(model):
            model_admin = admin_site.get_model_admin(model)
            for name, found in of(model_admin).items():
                if found is action:
                    return model_admin, name
    where = "no admin site" if site is None else f"not the admin site {site!r}"
    raise LookupError(
        f"{where} has {action!r} among the actions of {model._meta.label}: register a ModelAdmin"
        " with it"
    )


def _sites(name: str | None) -> list[Any]:
    """Return the admin sites of a name, or all; sites may be made where the URLs are."""
    get_resolver().url_patterns  # noqa: B018  which imports them
    return sorted(
        (site for site in all_sites if name is None or site.name == name),
        key=lambda site: (site.name != "admin", site.name),
    )
