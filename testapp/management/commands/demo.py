"""Prepare and serve the example."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import CommandError, CommandParser, call_command
from django.urls import reverse

from testapp import books
from testapp.models import ChatMessage
from testapp.visitors import MARK, Visitors, quieten
from tornado_websockets.management.commands import runtornado

PREPARED = "TESTAPP_DEMO_IS_PREPARED"
PAGES = ("index", "chat", "echo", "progress", "admin:index", "admin:testapp_book_changelist")
MONITOR = ("admin:app_list", ["tornado_websockets"])
VISITORS = 20


class Command(runtornado.Command):
    help = "Prepare the database and a user with a random password, then serve like runtornado."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--reset-password", action="store_true", help="Give admin a new random password."
        )
        parser.add_argument(
            "--visitors",
            type=int,
            default=VISITORS,
            metavar="N",
            help="Simulated visitors who chat, come and go; %(default)s by default, 0 for none.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.visitors: int = options["visitors"]
        if self.visitors < 0:
            raise CommandError(f"--visitors must not be negative, got {self.visitors}")
        # The auto-reloader runs the whole command again, in the same environment.
        if PREPARED not in os.environ:
            self.prepare(reset_password=options["reset_password"])
            os.environ[PREPARED] = "yes"
        super().handle(*args, **options)

    def prepare(self, *, reset_password: bool) -> None:
        """Migrate, fill the library, and make sure that somebody can sign in to the admin."""
        call_command("migrate", interactive=False, verbosity=0)
        books.stock()
        # What they said the last time would be all that is left to read.
        ChatMessage.objects.filter(author__endswith=MARK).delete()
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

    def write_banner(self, names: list[str], **how: Any) -> None:
        """Tell where the pages are, too, and let the visitors come."""
        super().write_banner(names, **how)
        self.stdout.write("Pages:")
        for path in (*map(reverse, PAGES), reverse(MONITOR[0], args=MONITOR[1])):
            self.stdout.write(f"  {names[0].rstrip('/')}{path}")
        if self.visitors and names[0].startswith("http"):
            quieten()
            Visitors(self.visitors, names[0]).attend()
            self.stdout.write(
                f"{self.visitors} simulated visitors come and go, which is not logged;"
                " --visitors 0 is without them."
            )
        self.stdout.flush()
