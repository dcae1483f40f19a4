"""Every admin site has the pages of this package, whenever and of whatever class it is made."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path, resolve, reverse

from tornado_websockets.models import Dashboard
from tws_admin.admin import DashboardAdmin
from tws_admin.models import ProgressTask
from tws_admin.progress.pages.admin import ProgressTaskAdmin
from tws_admin.progress.pages.frame import frame
from tws_admin.sites import frame_everywhere, register_everywhere


class OwnSite(AdminSite):
    """A site with pages of its own, as the documentation of Django shows it."""

    def get_urls(self) -> list[Any]:
        return [path("own/", self.admin_view(self.index), name="own"), *super().get_urls()]


second = OwnSite(name="second")
urlpatterns = [path("panel/", admin.site.urls), path("deep/second/", second.urls)]


def test_a_site_that_a_project_makes_has_it_with_its_urls() -> None:
    site = AdminSite(name="third")
    assert not site.is_registered(Dashboard)
    names = {getattr(pattern, "name", None) for pattern in site.urls[0]}
    assert isinstance(site.get_model_admin(Dashboard), DashboardAdmin)
    assert isinstance(site.get_model_admin(ProgressTask), ProgressTaskAdmin)
    assert "app_list" in names


def test_the_default_site_has_it_from_the_beginning() -> None:
    assert admin.site.is_registered(Dashboard)
    assert admin.site.is_registered(ProgressTask)


def test_who_registers_a_page_of_their_own_keeps_it() -> None:
    class OwnAdmin(DashboardAdmin):
        pass

    site = AdminSite(name="third")
    site.register(Dashboard, OwnAdmin)
    assert site.urls
    assert type(site.get_model_admin(Dashboard)) is OwnAdmin


def test_who_unregisters_it_is_left_alone() -> None:
    site = AdminSite(name="third")
    assert site.urls
    site.unregister(Dashboard)
    assert site.urls
    assert not site.is_registered(Dashboard)


def test_who_unregisters_it_from_the_default_site_is_left_alone() -> None:
    model_admin = type(admin.site.get_model_admin(Dashboard))
    admin.site.unregister(Dashboard)
    try:
        assert admin.site.urls
        assert not admin.site.is_registered(Dashboard)
    finally:
        admin.site.register(Dashboard, model_admin)


def test_it_joins_once_however_often_it_is_asked_to() -> None:
    before = (AdminSite.get_urls, AdminSite.admin_view)
    register_everywhere(Dashboard, DashboardAdmin)
    frame_everywhere(frame)
    assert (AdminSite.get_urls, AdminSite.admin_view) == before

    class OwnAdmin(DashboardAdmin):
        pass

    register_everywhere(Dashboard, OwnAdmin)
    site = AdminSite(name="third")
    assert site.urls
    assert type(site.get_model_admin(Dashboard)) is DashboardAdmin


def test_one_model_unregistered_leaves_the_other() -> None:
    site = AdminSite(name="third")
    assert site.urls
    site.unregister(ProgressTask)
    assert site.urls
    assert not site.is_registered(ProgressTask)
    assert site.is_registered(Dashboard)


def test_a_view_stays_what_it_is() -> None:
    """Its name, its exemption, whether a cache may keep it, and what it answers."""

    def report(request: HttpRequest, number: int) -> HttpResponse:
        return JsonResponse({"number": number})

    report.csrf_exempt = True  # type: ignore[attr-defined]
    site = AdminSite(name="third")
    site.has_permission = lambda request: True  # type: ignore[method-assign]
    for cacheable in (True, False):
        view = site.admin_view(report, cacheable)
        assert view.__name__ == "report"
        assert view.csrf_exempt  # type: ignore[attr-defined]
        answer = view(HttpRequest(), number=7)
        assert answer.content == b'{"number": 7}'
        assert answer.has_header("Cache-Control") != cacheable


def test_a_site_that_nobody_has_any_more_is_forgotten() -> None:
    site = AdminSite(name="third")
    assert site.urls
    remembered = weakref.ref(site)
    del site
    gc.collect()
    assert remembered() is None


@pytest.mark.urls(__name__)
@pytest.mark.django_db
@pytest.mark.parametrize(("site", "prefix"), [("admin", "/panel/"), ("second", "/deep/second/")])
def test_each_site_has_pages_of_its_own_below_its_prefix(
    site: str, prefix: str, admin_user: User
) -> None:
    client = Client()
    client.force_login(admin_user)
    for name in ("changelist", "snapshot", "jsi18n"):
        url = reverse(f"{site}:tornado_websockets_dashboard_{name}")
        assert url.startswith(f"{prefix}tornado_websockets/")
        assert client.get(url).status_code == 200
    for url in (
        f"{prefix}tornado_websockets/",
        reverse(f"{site}:tornado_websockets_dashboard_changelist"),
    ):
        page = client.get(url).content.decode()
        assert f'data-tws-snapshot-url="{prefix}tornado_websockets/dashboard/snapshot/"' in page
        assert f'src="{prefix}tornado_websockets/dashboard/jsi18n/"' in page
        assert f'data-tws-login-url="{prefix}login/' in page
        assert f'href="{prefix}tornado_websockets/"' in page  # the sidebar
        assert resolve(url).app_name == "admin"


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_a_site_that_lets_others_in_than_staff_shows_them_nothing(
    django_user_model: type[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site for customers, say: who may enter is its business, who may watch is the monitor's."""
    monkeypatch.setattr(second, "has_permission", lambda request: request.user.is_active)
    client = Client()
    client.force_login(django_user_model.objects.create_user("customer", is_superuser=True))
    assert client.get(reverse("second:index")).status_code == 200
    assert "tornado_websockets" not in client.get(reverse("second:index")).content.decode()
    answers = {
        name: client.get(reverse(f"second:tornado_websockets_dashboard_{name}")).status_code
        for name in ("changelist", "snapshot", "jsi18n")
    }
    assert set(answers.values()) == {403}
    assert client.get("/deep/second/tornado_websockets/").status_code == 404
