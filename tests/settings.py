"""Settings of the suite: the example's, whatever the environment says."""

from __future__ import annotations

from testapp.settings import *  # noqa: F403
from testapp.settings import BASE_DIR

SECRET_KEY = "only for the tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "test.sqlite3",
        # In a file, so that the threads of a server under test see one database.
        "TEST": {"NAME": BASE_DIR / "test.sqlite3"},
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TORNADO = {}
