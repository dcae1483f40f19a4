"""Run the fuzzing client, print how the product did, and fail when it did not do well."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

from tests.autobahn import report
from tests.autobahn.echo import serve
from tests.autobahn.runs import RUNS, Run

TIMEOUT_S = 1200


def main() -> int:
    """Run what the arguments ask for, and return the exit status."""
    arguments = _parse()
    found = []
    for run in RUNS:
        if arguments.runs and run.name not in arguments.runs:
            continue
        started = time.monotonic()
        results = fuzz(run, arguments.wstest, arguments.reports / run.name)
        say(f"\n{run.title} ({time.monotonic() - started:.0f} s)\n\n{report.table(results)}\n")
        found.append((run, results))
    bad = [line for run, results in found for line in report.failures(run, results)]
    say(*bad, f"The reports are in {arguments.reports}/.")
    if arguments.write:
        arguments.write.write_text(report.page(found, _versions(arguments.wstest)))
    return 1 if bad else 0


def say(*lines: str) -> None:
    """Print lines at once, as the next run takes long."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def fuzz(run: Run, wstest: Path, folder: Path) -> report.Results:
    """Start a server, let the fuzzing client at it, and return what it found."""
    folder.mkdir(parents=True, exist_ok=True)
    index, spec = folder / "index.json", folder / "spec.json"
    index.unlink(missing_ok=True)
    with serve(tls=run.tls) as port, (folder / "wstest.log").open("w") as log:
        scheme = "wss" if run.tls else "ws"
        server = {"agent": run.name, "url": f"{scheme}://127.0.0.1:{port}{run.path}"}
        options = {"outdir": str(folder), "servers": [server], "cases": run.cases}
        spec.write_text(json.dumps({**options, "exclude-cases": [], "exclude-agent-cases": {}}))
        subprocess.run(
            [wstest, "--mode", "fuzzingclient", "--spec", spec],
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,  # it says more in its report
        )
    if not index.exists():
        sys.exit(f"the fuzzing client wrote no report; what it said is in {log.name}")
    return report.read(index, run)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/autobahn", description=__doc__)
    names = [run.name for run in RUNS]
    parser.add_argument("runs", nargs="*", metavar="run", help=f"some of: {' '.join(names)}")
    parser.add_argument("--wstest", type=Path, required=True, help="the program of the suite")
    parser.add_argument("--reports", type=Path, required=True, help="folder of its reports")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the summary, as Markdown")
    arguments = parser.parse_args()
    unknown = set(arguments.runs) - set(names)
    if unknown:
        parser.error(f"expected some of {' '.join(names)}, got {' '.join(sorted(unknown))}")
    return arguments


def _versions(wstest: Path) -> dict[str, str]:
    program = "import autobahntestsuite; print(autobahntestsuite.__version__)"
    done = subprocess.run(
        [wstest.with_name("python"), "-c", program], capture_output=True, text=True, check=True
    )
    return {
        "Python": platform.python_version(),
        "Tornado": importlib.metadata.version("tornado"),
        "Autobahn|Testsuite": done.stdout.strip(),
    }


if __name__ == "__main__":
    sys.exit(main())
