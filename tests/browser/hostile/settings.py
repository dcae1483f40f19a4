"""The example with the hostile app."""

from testapp.settings import *  # noqa: F403
from testapp.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.browser.hostile"]
