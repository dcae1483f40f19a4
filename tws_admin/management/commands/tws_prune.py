"""Delete progress tasks that ended long ago."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tws_admin import conf
from tws_admin.progress.history import expired, prune


class Command(BaseCommand):
    help = (
        "Delete progress tasks that have ended, with their files. The server does it once an hour,"
        " by TWS_ADMIN['history']."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            help="Delete those that ended more days ago; TWS_ADMIN['history']['days'] by default.",
        )
        parser.add_argument(
            "--count",
            type=int,
            help="Keep so many, the newest; TWS_ADMIN['history']['count'] by default.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only tell how many would be deleted."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        limits = {
            name: kept if options[name] is None else options[name]
            for name, kept in conf.get().history.items()
        }
        for name, value in limits.items():
            if value < 0:
                raise CommandError(f"--{name} must be at least 0, got {value}")
        if options["dry_run"]:
            self.stdout.write(f"Progress tasks to delete: {expired(**limits).count()}")
        else:
            self.stdout.write(f"Progress tasks deleted: {prune(**limits)}")
