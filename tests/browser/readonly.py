"""Settings: the example with a monitor that only shows."""

from testapp.settings import *  # noqa: F403

TWS_ADMIN = {"read_only": True}
