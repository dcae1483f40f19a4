"""The monitor in projects of all sorts: installed by one line, whatever else they have."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.integration.projects import DJANGO, NONCES, NONCES_OF_OLD, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def assert_installed(found: dict[str, dict[str, Any]]) -> None:
    assert found[""]["has_sidebar_entry"]
    for path in ("tornado_websockets/", "tornado_websockets/dashboard/"):
        page = found[path]
        assert page["status"] == 200, page["page"]
        assert page["has_page"], page["page"]
        assert page["has_sidebar_entry"]
        assert any(each.endswith("tws_admin/dashboard.js") for each in page["scripts"])


@pytest.mark.parametrize("position", ["first", "in the middle", "last"])
def test_one_line_installs_it_in_any_order_of_apps(project: Project, position: str) -> None:
    apps = {
        "first": ["tws_admin", "tornado_websockets", *DJANGO],
        "in the middle": [*DJANGO[:2], "tws_admin", *DJANGO[2:], "tornado_websockets"],
        "last": [*DJANGO, "tornado_websockets", "tws_admin"],
    }[position]
    project.write(apps)
    assert_installed(project.look())


SECOND = """
from django.contrib.admin import AdminSite

class Second(AdminSite):
    site_header = "Second"
    enable_nav_sidebar = True

second = Second(name="second")
"""


@pytest.mark.parametrize("app", ["shop first", "shop last"])
def test_a_second_site_and_another_prefix(project: Project, app: str) -> None:
    """The second site is made by a module that an app's admin.py imports."""
    apps = [*DJANGO, "tornado_websockets", "tws_admin"]
    apps.insert(0 if app == "shop first" else len(apps), "shop")
    files = {
        "shop.sites": SECOND,
        "shop.admin": "from shop import sites",
        "project.urls": """
            from django.contrib import admin
            from django.urls import include, path
            from shop.sites import second
            urlpatterns = [
                path("inner/office/", admin.site.urls),
                path("outer/", include([path("second/", second.urls)])),
            ]
        """,
    }
    project.write(apps, **files)
    assert_installed(project.look("/inner/office/"))
    (project.folder / "db").unlink()
    assert_installed(project.look("/outer/second/"))


def test_a_site_of_the_project_s_own_in_place_of_the_default(project: Project) -> None:
    apps = ["project.apps.Admin", *DJANGO[1:], "tornado_websockets", "tws_admin"]
    files = {
        "shop.sites": SECOND,
        "project.apps": """
            from django.contrib.admin.apps import AdminConfig
            class Admin(AdminConfig):
                default_site = "shop.sites.Second"
        """,
    }
    project.write(apps, **files)
    found = project.look()
    assert_installed(found)
    assert "Second" in found[""]["page"]


def test_an_admin_that_discovers_nothing(project: Project) -> None:
    """`SimpleAdminConfig` imports no admin.py: sites register what they want by themselves."""
    apps = ["django.contrib.admin.apps.SimpleAdminConfig", *DJANGO[1:]]
    files = {
        "shop.sites": SECOND,
        "project.urls": """
            from django.urls import path
            from shop.sites import second
            urlpatterns = [path("admin/", second.urls)]
        """,
    }
    project.write([*apps, "tornado_websockets", "tws_admin"], **files)
    # Django's own templates link to "admin:", which they find in any site that is current.
    assert_installed(project.look())


def test_a_project_without_what_is_optional(project: Project) -> None:
    """No translations, no request in its templates, a login for each view."""
    more = """
    USE_I18N = USE_TZ = False
    TEMPLATES[0]["OPTIONS"]["context_processors"].remove("django.template.context_processors.request")
    MIDDLEWARE.insert(5, "django.contrib.auth.middleware.LoginRequiredMiddleware")
    """
    project.write([*DJANGO, "tornado_websockets", "tws_admin"], textwrap.dedent(more))
    found: dict[str, Any] = project.run(
        """
        below = "/admin/tornado_websockets/"
        paths = [below, below + "dashboard/", below + "dashboard/jsi18n/"]
        seen = [look(path) for path in paths]
        client.logout()
        refused = [client.get(path, secure=True)["Location"] for path in paths]
        print(json.dumps({"seen": seen, "refused": refused}))
        """,
        "/admin/",
    )
    assert [page["status"] for page in found["seen"]] == [200, 200, 200]
    assert found["seen"][0]["has_page"]
    assert found["seen"][1]["has_page"]
    assert all("/login/?next=/admin/tornado_websockets/" in url for url in found["refused"])


@pytest.mark.parametrize("first", ["unfold", "tws_admin"])
def test_django_unfold(project: Project, first: str) -> None:
    """It puts another site and other templates in the place of Django's."""
    apps = ["unfold", *DJANGO, "tornado_websockets", "tws_admin"]
    if first == "tws_admin":
        apps = ["tws_admin", *apps[:-1]]
    project.write(apps)
    found = project.look()
    assert_installed(found)
    assert "unfold" in found["tornado_websockets/"]["page"]


def test_scripts_and_style_sheets_have_the_nonce_of_the_policy(project: Project) -> None:
    apps = [*DJANGO, "tornado_websockets", "tws_admin"]
    project.write(apps, NONCES, **{"project.nonces": NONCES_OF_OLD})
    found = project.look()
    for path in ("tornado_websockets/", "tornado_websockets/dashboard/"):
        policy = found[path]["headers"]["Content-Security-Policy"]
        nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
        assert nonce
        ours = [
            tag
            for tag in found[path]["tags"]
            if "/tws_admin/" in tag or "/tornado_websockets/" in tag
        ]
        assert len(ours) >= 5
        assert all(f'nonce="{nonce}"' in tag for tag in ours)


def test_without_an_app_that_it_needs_a_check_says_so(project: Project) -> None:
    project.write([*DJANGO[1:], "tws_admin"], **{"project.urls": "urlpatterns = []"})
    found = project.run(
        """
        from django.core import checks
        errors = [error for error in checks.run_checks() if error.id == "tws_admin.E010"]
        print(json.dumps([[error.msg, error.hint] for error in errors]))
        """
    )
    assert [message for message, _hint in found] == [
        "The monitor needs 'tornado_websockets' in INSTALLED_APPS, which is not there.",
        "The monitor needs 'django.contrib.admin' in INSTALLED_APPS, which is not there.",
    ]
    assert "take 'tws_admin' out" in found[0][1]


MANIFEST = """
STORAGES = {"staticfiles": {
    "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""


@pytest.mark.parametrize("monitor", [["tws_admin"], []], ids=["with", "without"])
def test_django_s_commands_are_content(project: Project, monitor: list[str]) -> None:
    """Also after the monitor came or went: the model with the permissions is the core's."""
    project.write([*DJANGO, "tornado_websockets", *monitor], MANIFEST)
    found = project.run(
        """
        from django.core import checks
        from django.test import override_settings

        problems = [str(each) for each in checks.run_checks(include_deployment_checks=True)]
        missing, data, collected = io.StringIO(), io.StringIO(), io.StringIO()
        try:
            call_command("makemigrations", check=True, dry_run=True, stdout=missing)
        except SystemExit:
            pass
        call_command("dumpdata", stdout=data)
        call_command("collectstatic", interactive=False, stdout=collected)
        look_at = ["", "tornado_websockets/"] if "tws_admin" in sys.argv else [""]
        print(json.dumps({
            "problems": problems,
            "missing": missing.getvalue(),
            "models": sorted({each["model"] for each in json.loads(data.getvalue())}),
            "collected": collected.getvalue(),
            "pages": [look("/admin/" + path) for path in look_at],
        }))
        """,
        "/admin/",
        *monitor,
    )
    assert found["problems"] == []
    assert found["missing"] == "No changes detected\n"
    assert "tornado_websockets.dashboard" not in found["models"]
    assert "auth.permission" in found["models"]
    assert "post-processed" in found["collected"]
    assert all(page["status"] == 200 for page in found["pages"])
    if monitor:
        [script] = [each for each in found["pages"][1]["scripts"] if each.endswith(".js")]
        hashed = project.folder / "collected" / script.removeprefix("/static/")
        assert hashed.name != "dashboard.js"
        assert hashed.exists()
