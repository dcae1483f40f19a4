"""An engine that takes nothing, as one whose broker is away."""

from __future__ import annotations


class Refusing:
    def submit(self, run_id: str) -> None:
        raise ConnectionError("no broker")


engine = Refusing()
