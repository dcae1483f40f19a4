"""Projects of all sorts that have installed the monitor, each asked by a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

DJANGO = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

SETTINGS = """
from pathlib import Path
BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "a" * 20 + "bcdefghijklmnopqrstuvwxyz0123456789"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = {apps!r}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
TEMPLATES = [{{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {{"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}},
}}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db"}}}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "collected"
USE_TZ = True
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
{more}
"""

URLS = """
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
"""

PROBE = """
import io, json, os, re, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
User.objects.create_superuser("root")
client = Client()
client.force_login(User.objects.get())

def look(path):
    answer = client.get(path, secure=True)
    page = answer.content.decode()
    start, end = page.find('<div id="tws-dashboard"'), page.find("tws-lifecycle-title")
    return {
        "status": answer.status_code,
        "has_page": 0 < start < end,
        "titles": re.findall(r"<title>(.*?)</title>", page, re.S),
        "has_sidebar_entry": f'href="{sys.argv[1]}tornado_websockets/"' in page,
        "scripts": re.findall(r'<(?:script|link)[^>]*?(?:src|href)="([^"]*tws_admin[^"]*)"', page),
        "tags": re.findall(r"<(?:script|link|style)\\b[^>]*>", page),
        "headers": dict(answer.headers),
        "page": page,
    }

"""

NONCES = """
try:
    import django.middleware.csp
except ImportError:  # Django has nonces from 6.0 on
    MIDDLEWARE.insert(0, "project.nonces.Policy")
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("project.nonces.nonce")
else:
    from django.utils.csp import CSP
    MIDDLEWARE.insert(0, "django.middleware.csp.ContentSecurityPolicyMiddleware")
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("django.template.context_processors.csp")
    SECURE_CSP = {"default-src": [CSP.NONE], "script-src": [CSP.NONCE], "style-src": [CSP.NONCE]}
"""

NONCES_OF_OLD = """
import secrets

class Policy:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.nonce = secrets.token_urlsafe()
        response = self.get_response(request)
        response["Content-Security-Policy"] = f"script-src 'nonce-{request.nonce}'"
        return response

def nonce(request):
    return {"csp_nonce": request.nonce}
"""


class Project:
    """A project in a folder of its own, asked by a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("project", "shop"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").touch()

    def write(self, apps: list[str], more: str = "", **files: str) -> None:
        """Write settings, and files by their dotted names."""
        (self.folder / "project/settings.py").write_text(SETTINGS.format(apps=apps, more=more))
        for name, text in {"project.urls": URLS, **files}.items():
            path = self.folder / (name.replace(".", "/") + ".py")
            path.write_text(textwrap.dedent(text))

    def run(self, code: str, *arguments: str) -> Any:
        """Return what a program prints as JSON, behind the `PROBE`."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROBE + textwrap.dedent(code), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def look(self, prefix: str = "/admin/") -> dict[str, dict[str, Any]]:
        """Return what is at the index and at both addresses of the page."""
        found: dict[str, dict[str, Any]] = self.run(
            """
            prefix = sys.argv[1]
            paths = ["", "tornado_websockets/", "tornado_websockets/dashboard/"]
            print(json.dumps({path: look(prefix + path) for path in paths}))
            """,
            prefix,
        )
        return found
