"""Broadcasts from a process that serves nobody."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

# What is asked of a publisher is the same for all peers.
sys.path.append(str(Path(__file__).resolve().parent.parent / "peers"))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    # They need settings.
    from project.websockets import bench
    from publishing import EVENT, events

    for data in events():
        bench.broadcast(EVENT, data)


if __name__ == "__main__":
    main()
