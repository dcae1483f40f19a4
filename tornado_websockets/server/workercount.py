"""How many processes are to serve, as the command line and the settings say."""

from __future__ import annotations

import argparse
import dataclasses
import os

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from tornado_websockets import conf, layerspec

__all__ = ["parse_workers", "worker_count"]


def parse_workers(text: str) -> int | str:
    """Return the number of an argument like ``4``, or ``auto``.

    Raises:
        ArgumentTypeError: it is neither.
    """
    value = int(text) if text.isascii() and text.isdigit() else text
    if not layerspec.is_workers(value):
        raise argparse.ArgumentTypeError(
            f"expected an integer of at least 1, or auto for one for each core, got {text!r}"
        )
    return value


def worker_count(wanted: int | str | None, *, reload: bool | None) -> int:
    """Return how many processes are to serve; 1 where the settings have mistakes to be told first.

    Args:
        wanted: what the command line says, before the settings.
        reload: whether it asks for the auto-reloader, None when it does not say.

    Raises:
        CommandError: that many cannot serve, and the line says why and what to do.
    """
    try:
        config = conf.get()
    except ImproperlyConfigured:
        return 1
    source = f"TORNADO['workers'] = {config.workers!r}"
    if wanted is not None:
        source = f"--workers {wanted}"
        for _, message, hint in layerspec.problems({"layer": config.layer, "workers": wanted}):
            raise CommandError(f"{message} {hint}")
        config = dataclasses.replace(config, workers=wanted)
    count = config.worker_count
    if count > 1 and reload:
        raise CommandError(
            f"{source} does not go with the auto-reloader, which restarts one process:"
            " leave out --reload, or say --workers 1"
        )
    if count > 1 and os.name == "nt":
        raise CommandError(
            f"{source} needs sockets that processes inherit, which Windows does not have:"
            " say --workers 1"
        )
    return count
