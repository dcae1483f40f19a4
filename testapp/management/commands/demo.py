"""Prepare and serve the example."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import CommandParser, call_command
from django.urls import reverse

from tornado_websockets.management.commands import runtornado

PREPARED = "TESTAPP_DEMO_IS_PREPARED"
PAGES = ("index", "chat", "echo", "progress", "admin:index")


class Command(runtornado.Command):
    help = "Prepare the database and a user with a random password, then serve like runtornado."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reset-password", action="store_true", help="Give admin a new random password."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # The auto-reloader runs the whole command again, in the same environment.
        if PREPARED not in os.environ:
            self.prepare(reset_password=options["reset_password"])
            os.environ[PREPARED] = "yes"
        super().handle(*args, **options)

    def prepare(self, *, reset_password: bool) -> None:
        """Migrate, and make sure that somebody can sign in to the admin."""
        call_command("migrate", interactive=False, verbosity=0)
        admin, created = get_user_model().objects.get_or_create(
            username="admin", defaults={"is_staff": True, "is_superuser": True}
        )
        if created or reset_password:
            password = secrets.token_urlsafe(12)
            admin.set_password(password)
            admin.save()
            self.stdout.write(f"Sign in to the admin as admin, password {password}\n")
        else:
            self.stdout.write(
                "Sign in to the admin as admin; --reset-password makes a new password.\n"
            )

    def write_banner(self, names: list[str], *, reloads: bool) -> None:
        """Tell where the pages are, too."""
        super().write_banner(names, reloads=reloads)
        self.stdout.write("Pages:")
        for page in PAGES:
            self.stdout.write(f"  {names[0].rstrip('/')}{reverse(page)}")
        self.stdout.flush()
