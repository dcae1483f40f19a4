"""Settings of the suite: the example's, whatever the environment says."""

from __future__ import annotations

import os

import environ

from testapp.settings import *  # noqa: F403
from testapp.settings import BASE_DIR

# In a file, so that the threads of a server under test see one database; and one of this run, whose
# processes inherit its name, so that two runs do not share it.
DATABASE = BASE_DIR / os.environ.setdefault("TEST_DATABASE", f"test-{os.getpid()}.sqlite3")

SECRET_KEY = "only for the tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        "TEST": {"NAME": DATABASE},
    }
}
if "TEST_DATABASE_URL" in os.environ:
    # Another database, for the tests that are to pass on any.
    DATABASES = {"default": environ.Env.db_url_config(os.environ["TEST_DATABASE_URL"])}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TORNADO = {}
