"""The process of `tests.torture.listeners`: it does not wait for what makes the trouble."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Final

from tests.torture.listener import Commons, Listener

CONNECT_S: Final = 60


class Crowd:
    """The work of the process."""

    def __init__(self, count: int, commons: Commons, *, has_history: bool, is_spread: bool) -> None:
        self._commons = commons
        self._has_history = has_history
        nodes = len(commons.ports) if is_spread else 1
        self._clients = [Listener(commons, n % nodes) for n in range(count)]

    async def run(self) -> None:
        """Answer what is asked on the standard input, until that ends."""
        lives = [asyncio.create_task(client.live()) for client in self._clients]
        async with asyncio.timeout(CONNECT_S):
            while not all(map(self._is_there, self._clients)):
                await asyncio.sleep(0.02)
        say("ready")
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            say(await getattr(self, asked.pop("do"))(**asked))
        for life in lives:
            life.cancel()

    async def cut(self, share: float) -> int:
        there = [client for client in self._clients if client.is_open]
        chosen = self._commons.chance.sample(there, round(len(there) * share))
        for client in chosen:
            client.cut()
        return len(chosen)

    async def look(self) -> dict[str, int]:
        ledgers = [client.ledger for client in self._clients]
        return {
            "open": sum(client.is_open for client in self._clients),
            "returns": sum(each.returns for each in ledgers),
            "unrecovered": sum(
                any(told.recovered is False for told in each.told) for each in ledgers
            ),
        }

    async def finish(
        self,
        counts: dict[str, int],
        failed: dict[str, list[int]],
        before_s: float,
        timeout_s: float,
    ) -> dict[str, Any]:
        self._commons.pace = None
        ledgers = [client.ledger for client in self._clients]
        excused = {(name, number) for name, numbers in failed.items() for number in numbers}
        waiting, deadline = list(ledgers), time.monotonic() + timeout_s
        while waiting and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            waiting = [each for each in waiting if not excused.issuperset(each.missing(counts))]
        await asyncio.sleep(0.5)  # for what comes twice
        missing = [each.missing(counts) for each in ledgers]
        lost = [sorted(each - excused) for each in missing]
        return {
            "events": sum(each.events for each in ledgers),
            "lost": sum(map(len, lost)),
            "failed": sum(len(each & excused) for each in missing),
            "duplicates": sum(each.duplicates for each in ledgers),
            "disorder": sum(each.disorder for each in ledgers),
            "losers": [
                f"{client} {len(found)} from {found[0]} on"
                for client, found in zip(self._clients, lost, strict=True)
                if found
            ],
            "last_s": [each.last_s(self._commons.sent, before_s) for each in ledgers],
            "delays": {
                name: max(each.delay_s(name, times) for each in ledgers)
                for name, times in self._commons.sent.items()
            },
            "told": [each.told for each in ledgers],
            "codes": self._commons.codes,
            "odd": self._commons.odd,
        }

    def _is_there(self, client: Listener) -> bool:
        return bool(client.ledger.told) if self._has_history else client.is_open


async def main(words: str) -> None:
    ports, count, path, pace, history, spread = json.loads(words)
    await Crowd(count, Commons(ports, path, pace), has_history=history, is_spread=spread).run()


def say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
