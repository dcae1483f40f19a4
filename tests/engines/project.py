"""A project whose progress tasks run in one of the engines, outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.site import ROOT, configure, make_site

__all__ = ["ENVIRONMENT", "IMMEDIATE", "SQLITE", "make_project"]

# The settings, too: those of the suite are in the environment.
ENVIRONMENT: Final = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "project.settings"}

IMMEDIATE: Final = {"transaction_mode": "IMMEDIATE", "timeout": 20}
"""What SQLite needs where several processes write, see docs/progress-engines.md."""

SQLITE: Final = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "db.sqlite3",
    "OPTIONS": IMMEDIATE,
}

SETTINGS: Final = """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.sessions", "django.contrib.messages",
    "tws_admin"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {{"context_processors": ["django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages"]}}}}]
DATABASES["default"] = {database!r}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TWS_ADMIN = {{"engine": {engine!r}}}
LOGGING = {{"version": 1, "disable_existing_loggers": False,
    "handlers": {{"console": {{"class": "logging.StreamHandler"}}}},
    "loggers": {{"tws_admin": {{"handlers": ["console"], "level": "INFO"}},
        "django.server": {{"level": "WARNING"}}}}}}
"""

MORE_SETTINGS: Final = {
    "thread": "",
    # Django before 6 has no tasks of its own.
    "django": """
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
INSTALLED_APPS += ["django_tasks_db"]
"""
    + ("" if find_spec("django.tasks") else 'INSTALLED_APPS += ["django_tasks"]\n'),
    "celery": "CELERY_BROKER_URL = {broker!r}\n",
}

MODELS: Final = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=20)
    pressed = models.IntegerField(default=0)

    def __str__(self):
        return self.name
"""

ADMIN: Final = """
import time
from django.contrib import admin
from shop.models import Item
from tws_admin import progress_action

@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    actions = ["press", "count"]

    @progress_action(description="Press them", each=True)
    def press(self, task, item):
        time.sleep(0.05)
        item.refresh_from_db()
        if item.name.startswith("bad"):
            raise ValueError("it is rotten")
        item.pressed += 1
        item.save()

    @progress_action(description="Count them")
    def count(self, task, queryset):
        counted = 0
        for item in task.track(queryset, label=str):
            time.sleep(0.05)
            counted += 1
        return {"counted": counted, "for": task.user.username}
"""

VIEWS: Final = """
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.forms import model_to_dict
from django.http import JsonResponse
from shop.admin import ItemAdmin
from shop.models import Item
from tws_admin.models import ProgressTask
from tws_admin.progress import engines
from tws_admin.progress.control import ask
from tws_admin.progress.transitions import Conflict

def enter(request, name):
    user, _new = User.objects.get_or_create(
        username=name, defaults={"is_staff": True, "is_superuser": True})
    login(request, user)
    return JsonResponse({})

def start(request, action, prefix):
    items = Item.objects.filter(name__startswith=prefix).order_by("name")
    with transaction.atomic():
        run = getattr(ItemAdmin, action).start(items, user=request.user)
        if "leaving" in request.GET:
            User.objects.filter(pk=request.user.pk).update(is_active=False)
    return task(request, run.pk)

def control(request, pk, verb):
    try:
        run = ask(ProgressTask.objects.get(pk=pk), verb, request.user)
    except Conflict as conflict:
        return JsonResponse({"error": str(conflict)}, status=409)
    return fields(run)  # as it was left: its work may have answered by now

def deliver(request, pk):
    run = ProgressTask.objects.get(pk=pk)
    engines.engine(run.engine).submit(str(pk))
    return task(request, pk)

def task(request, pk):
    return fields(ProgressTask.objects.get(pk=pk))

def fields(run):
    return JsonResponse({"id": str(run.pk), **model_to_dict(run)})

def items(request):
    return JsonResponse(dict(Item.objects.values_list("name", "pressed")))
"""

URLS: Final = """
from django.contrib import admin
from django.urls import path
from shop import views
urlpatterns = [
    path("admin/", admin.site.urls),
    path("in/<name>/", views.enter),
    path("start/<action>/<prefix>/", views.start),
    path("control/<uuid:pk>/<verb>/", views.control),
    path("deliver/<uuid:pk>/", views.deliver),
    path("task/<uuid:pk>/", views.task),
    path("items/", views.items),
]
"""

CELERY: Final = """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""

FILL: Final = """
from shop.models import Item
names = [f"good {n:02}" for n in range(90)] + [f"few {n}" for n in range(8)]
names += ["mixed 0", "bad 1", "mixed 2", "bad 3", "mixed 4"]
Item.objects.bulk_create(Item(name=name) for name in names)
"""


def make_project(
    folder: Path, engine: str, *, database: dict[str, object] | None = None, broker: str = ""
) -> Path:
    """Write the project and its database, and return its directory.

    Args:
        folder: where it is to be.
        engine: of its progress tasks.
        database: that of its settings; None is a file of SQLite.
        broker: URL of Celery's.
    """
    files = {"shop/models.py": MODELS, "shop/admin.py": ADMIN, "shop/views.py": VIEWS}
    files |= {"project/urls.py": URLS}
    if engine == "celery":
        files |= {"project/celery.py": CELERY}
        files |= {"project/__init__.py": "from project.celery import app\n"}
    site = make_site(folder, files)
    settings = SETTINGS.format(database=database or SQLITE, engine=engine)
    configure(site, settings + MORE_SETTINGS[engine].replace("{broker!r}", repr(broker)))
    _manage(site, "migrate", "--run-syncdb", "--verbosity=0")
    _manage(site, "shell", "--verbosity=0", "--command", FILL)
    return site


def _manage(site: Path, *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=site, check=True, timeout=100, env={**os.environ, **ENVIRONMENT})
