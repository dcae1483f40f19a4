"""The decorator, and where actions are found again."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.test import RequestFactory

import tws_admin
from testapp.models import ChatMessage
from tests.tws_admin.progress.works import Work
from tws_admin.progress.actions import (
    ProgressAction,
    any_registered,
    find,
    holder,
    of,
    progress_action,
)

_numbers = itertools.count(1)


def body(self: Any, task: Any, queryset: Any) -> None:
    """Do nothing."""


@progress_action(description="Everywhere")
def everywhere(task: Any, queryset: Any) -> None:
    pass


@progress_action
def listed(task: Any, queryset: Any) -> None:
    pass


def test_it_is_imported_from_the_package() -> None:
    assert tws_admin.progress_action is progress_action
    assert any_registered()


def test_the_admin_is_told_what_it_is_told_of_other_actions() -> None:
    action = progress_action(
        description="Publish %(verbose_name)s",
        description_plural="Publish %(verbose_name_plural)s",
        permissions=["change", "view"],
        location="both",
    )(body)
    told: Any = action
    assert told.short_description == "Publish %(verbose_name)s"
    assert told.plural_description == "Publish %(verbose_name_plural)s"
    assert told.allowed_permissions == ["change", "view"]
    assert told.locations == ["both"]
    assert (told.__name__, told.__doc__) == ("body", "Do nothing.")
    assert repr(action).endswith("test_actions.body>")


def test_what_is_not_said_is_djangos_default() -> None:
    action = progress_action(body)
    assert isinstance(action, ProgressAction)
    assert action.allowed_permissions == ["change"]
    for name in ("short_description", "plural_description", "locations"):
        assert not hasattr(action, name)


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="eech is no option of @progress_action: .* each,"):
        progress_action(eech=True)(body)


class ListedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    actions = ["act", listed, "everywhere_not", "plain"]
    act = progress_action(body)

    def plain(self, request: Any, queryset: Any) -> None:
        pass


@pytest.fixture
def site() -> AdminSite:
    # What one test leaves behind must not be found by the next.
    site = AdminSite(name=f"listed{next(_numbers)}")
    site.add_action(everywhere, "all")
    site.register(ChatMessage, ListedAdmin)
    return site


def test_actions_of_an_admin_are_its_methods_functions_and_those_of_its_site(
    site: AdminSite,
) -> None:
    found = of(site.get_model_admin(ChatMessage))
    assert found == {"all": everywhere, "act": ListedAdmin.act, "listed": listed}


def test_the_admin_itself_finds_them(site: AdminSite) -> None:
    request = RequestFactory().get("/")
    request.user = type("User", (), {"is_active": True, "has_perm": lambda self, perm: True})()
    model_admin = site.get_model_admin(ChatMessage)
    assert {"act", "listed", "all"} <= set(model_admin.get_actions(request))
    assert dict(model_admin.get_action_choices(request))["listed"] == "Listed"


def test_an_action_is_found_again_by_its_names(site: AdminSite) -> None:
    model_admin, action = find(site.name, "testapp.ChatMessage", "act")
    assert model_admin is site.get_model_admin(ChatMessage)
    assert action is ListedAdmin.act


@pytest.mark.parametrize(
    "names",
    [
        ("nowhere", "testapp.ChatMessage", "act"),
        ("listed", "testapp.Nothing", "act"),
        ("listed", "auth.User", "act"),
        ("listed", "testapp.ChatMessage", "plain"),
        ("listed", "testapp.ChatMessage", "gone"),
    ],
)
def test_what_is_not_there_is_a_lookup_error(site: AdminSite, names: tuple[str, str, str]) -> None:
    with pytest.raises(LookupError):
        find(site.name if names[0] == "listed" else names[0], *names[1:])


def test_who_has_an_action_is_found_for_a_start_from_elsewhere(site: AdminSite) -> None:
    assert holder(everywhere, ChatMessage, site.name) == (site.get_model_admin(ChatMessage), "all")
    with pytest.raises(LookupError, match="no admin site has <ProgressAction"):
        holder(progress_action(body), ChatMessage)
    with pytest.raises(LookupError, match="not the admin site 'listed"):
        holder(progress_action(body), ChatMessage, site.name)


def test_a_method_is_bound_as_methods_are() -> None:
    work = Work(lambda task, what: None)
    assert work.model_admin.act.__self__ is work.model_admin
    assert work.model_admin.act.options is work.action.options
