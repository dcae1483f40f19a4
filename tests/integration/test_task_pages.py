"""The pages of progress tasks in projects of all sorts."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.integration.projects import DJANGO, NONCES, NONCES_OF_OLD, Project

OURS = ["tornado_websockets", "tws_admin"]

ADMIN = """
from django.contrib import admin
from django.contrib.auth.models import Group
from tws_admin import progress_action

admin.site.unregister(Group)

@admin.register(Group)
class GroupAdmin(admin.ModelAdmin):
    actions = ["greet"]
    ordering = ["name"]

    @progress_action(confirm=True)
    def greet(self, task, queryset):
        pass
"""

LOOK = """
from django.contrib.auth.models import Group
from tws_admin.models import ProgressTask

group = Group.objects.create(name="one")
changelist = "/admin/auth/group/"
chosen = {"action": "greet", "_selected_action": [group.pk]}
question = client.post(changelist, chosen, secure=True)["Location"]
pages = {"question": look(question)}
started = client.post(question, {"next": changelist}, secure=True)
run = ProgressTask.objects.get()
pages["changelist"] = look(started["Location"])
for name, path in {
    "other": "/admin/auth/user/",
    "index": "/admin/",
    "list": "/admin/tws_admin/progresstask/",
    "task": f"/admin/tws_admin/progresstask/{run.pk}/change/",
    "popup": changelist + "?_popup=1",
}.items():
    pages[name] = look(path)
print(json.dumps(pages))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def pages(project: Project, apps: list[str], more: str = "", **files: str) -> dict[str, Any]:
    """Return what is on each page, when a run has been started."""
    project.write([*apps, "shop"], more, **{"shop.admin": ADMIN, **files})
    found: dict[str, Any] = project.run(LOOK, "/admin/")
    assert {page["status"] for page in found.values()} == {200}
    return found


def assert_followed(found: dict[str, Any]) -> None:
    for name in ("changelist", "other", "index", "list", "task"):
        assert found[name]["page"].count('id="tws-tasks-root"') == 1, name
        assert any(each.endswith("tasks/tasks.js") for each in found[name]["scripts"]), name
    for name in ("changelist", "task"):
        page = found[name]["page"]
        assert '<article class="tws-task"' in page
        assert ">queued<" in page
    page = found["changelist"]["page"]
    assert page.index("<article") < page.index('<form id="changelist-form"')
    assert "data-tws-task" in found["list"]["page"]
    assert "tws-tasks" not in found["popup"]["page"]
    assert "Do this for 1 group?" in found["question"]["page"]


def test_django_s_own_admin(project: Project) -> None:
    assert_followed(pages(project, [*DJANGO, *OURS]))


def test_django_unfold(project: Project) -> None:
    """It puts another site and other templates in the place of Django's."""
    found = pages(project, ["unfold", *DJANGO, *OURS])
    assert_followed(found)
    assert "unfold" in found["changelist"]["page"]


def test_a_project_without_what_is_optional(project: Project) -> None:
    """No translations, no request in its templates, a login for each view."""
    more = """
    USE_I18N = USE_TZ = False
    TEMPLATES[0]["OPTIONS"]["context_processors"].remove("django.template.context_processors.request")
    MIDDLEWARE.insert(5, "django.contrib.auth.middleware.LoginRequiredMiddleware")
    """
    found = pages(project, [*DJANGO, *OURS], textwrap.dedent(more))
    assert 'name="next" value="/admin/auth/group/"' in found["changelist"]["page"]
    assert_followed(found)


def test_scripts_and_style_sheets_have_the_nonce_of_the_policy(project: Project) -> None:
    found = pages(project, [*DJANGO, *OURS], NONCES, **{"project.nonces": NONCES_OF_OLD})
    assert_followed(found)
    for name in ("question", "changelist", "other", "list", "task"):
        policy = found[name]["headers"]["Content-Security-Policy"]
        nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
        assert nonce
        ours = [
            tag
            for tag in found[name]["tags"]
            if "/tws_admin/" in tag or "/tornado_websockets/" in tag
        ]
        assert len(ours) >= (2 if name == "question" else 5)
        assert all(f'nonce="{nonce}"' in tag for tag in ours), name
