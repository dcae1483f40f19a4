"""A project with a user model of its own, served by ``runtornado``: users come, and go."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from tests.site import configure, make_site, serve_site
from tornado_websockets.testing import Client, Server

# No permissions, no name, no integer as its key, no is_active field.
MODELS = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    objects = BaseUserManager()
"""

VIEWS = """
import asyncio
from django.contrib.auth import login, logout
from django.http import HttpResponse
from shop.models import Person
from tornado_websockets.websocket import WebSocket

def enter(request, name):
    person, _new = Person.objects.get_or_create(email=name + "@example.com")
    if not person.password:
        person.set_password("secret")
        person.save()
    login(request, person)
    return HttpResponse("welcome")

def leave(request):
    logout(request)
    return HttpResponse("bye")

def change(request):
    request.user.set_password("another")
    request.user.save()
    return HttpResponse("changed")

me = WebSocket("/me", login_required=True)
staff = WebSocket("/staff", permission=lambda user, request: user.email.startswith("ann@"))

@me.on
async def who(socket):
    socket.emit("who", {"email": socket.user.email, "pk": socket.user.pk})

@me.on
def again(socket):
    socket.user.refresh_from_db()
    socket.emit("who", {"email": socket.user.email, "pk": socket.user.pk})

@me.on
async def fail(socket):
    raise ValueError("no luck")
"""

URLS = """
from django.urls import path
from shop import views
urlpatterns = [
    path("in/<name>/", views.enter), path("out/", views.leave), path("change/", views.change),
]
"""

SETTINGS = """
INSTALLED_APPS += ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware"]
AUTH_USER_MODEL = "shop.Person"
SESSION_COOKIE_NAME = "__our.session"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TORNADO = {"recheck_period": 600}
"""


class Browser:
    """Keeps cookies, and opens WebSockets with them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def get(self, path: str) -> str:
        with self._opener.open(f"http://{self.server.host}{path}", timeout=60) as response:
            return str(response.read().decode())

    async def connect(self, path: str) -> Client:
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)
        origin = f"http://{self.server.host}"
        return await self.server.connect(path, Origin=origin, Cookie=cookies)


async def test_users_of_a_model_of_the_project(tmp_path: Path) -> None:
    site = make_site(
        tmp_path / "site",
        {"shop/models.py": MODELS, "shop/views.py": VIEWS, "project/urls.py": URLS},
    )
    configure(site, SETTINGS)
    migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--verbosity=0"]
    root = str(Path(__file__).parents[2])
    subprocess.run(migrate, cwd=site, check=True, timeout=100, env={"PYTHONPATH": root})
    process = serve_site(site, "0")
    try:
        server = Server(process.port)
        ann, bob = Browser(server), Browser(server)
        with pytest.raises(HTTPClientError, match="403"):
            await ann.connect("/me")

        assert ann.get("/in/ann/") == bob.get("/in/bob/") == "welcome"
        client = await ann.connect("/me")
        client.emit("who")
        event, data = await client.receive()
        assert (event, data.email, len(data.pk)) == ("who", "ann@example.com", 36)
        client.emit("again")
        assert (await client.receive()).data == data
        await ann.connect("/staff")
        with pytest.raises(HTTPClientError, match="403"):
            await bob.connect("/staff")

        client.emit("fail")
        await client.receive()
        process.wait_for(f"failed for .* of user '{data.pk}', 'ann@example.com'")

        other = await bob.connect("/me")
        assert ann.get("/out/") == "bye"
        assert await client.closed() == 4501
        with pytest.raises(HTTPClientError, match="403"):
            await ann.connect("/me")
        assert bob.get("/change/") == "changed"
        assert await other.closed() == 4501
        with pytest.raises(HTTPClientError, match="403"):
            await bob.connect("/me")
        await server.disconnect()
        assert process.stop() == 0
        assert process.output.count("Traceback") == 1  # of the callback that was to fail
    finally:
        process.kill()
