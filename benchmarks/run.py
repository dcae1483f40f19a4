"""Measure the product and its peers: ``python -m benchmarks.run --help``."""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import machine, report
from benchmarks.broker import ALONE
from benchmarks.catalogue import PEERS, Peer
from benchmarks.cluster import Cluster
from benchmarks.errors import MeasureError
from benchmarks.measures import MEASURES, QUICK, Numbers, Scale
from benchmarks.results import Results
from benchmarks.scaling import page
from benchmarks.scaling.costs import Costs
from benchmarks.server import Server
from benchmarks.shared import SHARED

ROOT: Final = Path(__file__).resolve().parent.parent
ALL: Final = (*MEASURES, *ALONE, *SHARED)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no server is left behind
    _raise_descriptor_limit()
    load_core, server_cores = cores()
    if load_core is not None:
        os.sched_setaffinity(0, {load_core})
    scale = QUICK if options.quick else Scale()
    results = Results()
    if options.onto:
        results.add_others(json.loads(options.onto.read_text()), _measures(options.measures))
    plan = list(_plan(options.only, options.measures))
    rounds = options.rounds or (1 if options.quick else 3)
    for number in range(rounds):
        for measure, peer in plan:
            outcome = _measure(peer, measure, server_cores, scale)
            results.add(peer.name, measure, outcome)
            _say(f"round {number + 1}/{rounds}  {measure:12} {peer.name:18} {_short(outcome)}")
    text = report.render(results, rounds=rounds, work_s=scale.work, pinned=bool(server_cores))
    if options.json:
        options.json.write_text(json.dumps(results.raw(), indent=1) + "\n")
    if options.write:
        report.write(text, results, ROOT / "docs")
        write_scaling(results)
    else:
        sys.stdout.write(text)
    return 1 if results.failures() else 0


def write_scaling(results: Results) -> None:
    """Write docs/scaling.md for what was measured, when that is all it needs."""
    costs = Costs.of(results, machine.describe())
    if costs is None:
        _say("docs/scaling.md stays as it is: it needs all measures of the product and of Redis")
        return
    costs.save()
    page.write(costs, page.PAGE)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--only", type=_words, default=list(PEERS), metavar="PEER,PEER", help=", ".join(PEERS)
    )
    parser.add_argument(
        "--measures",
        type=_words,
        default=[],
        metavar="NAME,NAME",
        help="; ".join(ALL) + "; or the start of such a name",
    )
    parser.add_argument("--rounds", type=int, help="3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="short: to see that all works")
    parser.add_argument("--write", action="store_true", help="write docs/ instead of printing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the number of each round")
    parser.add_argument(
        "--onto",
        type=Path,
        metavar="FILE",
        help="tell the other measures as well, as --json of an earlier run has kept them",
    )
    options = parser.parse_args(arguments)
    if options.onto and options.only != list(PEERS):
        parser.error("what is compared is measured in one run: no --only with --onto")
    if unknown := sorted(set(options.only) - set(PEERS)):
        parser.error(f"unknown peer {unknown[0]!r}; there are: {', '.join(PEERS)}")
    for word in options.measures:
        if not any(name.startswith(word) for name in ALL):
            parser.error(f"unknown measure {word!r}; there are: {', '.join(ALL)}")
    return options


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _plan(only: Sequence[str], measures: Sequence[str]) -> Iterator[tuple[str, Peer]]:
    """Yield measure by measure, so that what is compared is measured within a minute or two."""
    for measure in _measures(measures):
        for name in only:
            if measure.partition("-")[0] in PEERS[name].measures:
                yield measure, PEERS[name]


def _measures(starts: Sequence[str]) -> list[str]:
    return [name for name in ALL if not starts or name.startswith(tuple(starts))]


def _measure(peer: Peer, measure: str, cores: Sequence[int], scale: Scale) -> Numbers | str:
    """Return the numbers, or why there are none."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measured: Server | Cluster
        if measure in SHARED:
            measured = Cluster(peer, cores=cores, folder=Path(folder))
            take: Callable[[], Numbers] = partial(SHARED[measure], measured, scale)
        else:
            core = cores[0] if cores else None
            measured = Server(peer, core=core, log=Path(folder) / "log")
            take = partial({**MEASURES, **ALONE}[measure], measured, scale)
        gc.collect()
        gc.disable()  # a pause here would count as the server's
        try:
            with measured:
                return take()
        except (MeasureError, OSError, ValueError) as error:
            return f"{error}\n{measured.output}".strip()
        finally:
            gc.enable()


def cores() -> tuple[int | None, tuple[int, ...]]:
    """Return the core of the load and those of the servers, None and nothing where there is one."""
    first, *others = sorted(os.sched_getaffinity(0))
    return (first, tuple(others)) if others else (None, ())


def _raise_descriptor_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the servers inherit it


def _short(outcome: Numbers | str) -> str:
    if isinstance(outcome, str):
        return f"FAILED: {outcome}"
    return "  ".join(f"{name}={value:.6g}" for name, value in outcome.items())


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
