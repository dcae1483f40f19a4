"""Print what servers carry, or write it into docs/scaling.md: ``python -m benchmarks.scaling``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.scaling import page
from benchmarks.scaling.costs import Costs

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--write", action="store_true", help="fill in docs/scaling.md")
    options = parser.parse_args(arguments)
    costs = Costs.load()
    if options.write:
        page.write(costs, page.PAGE)
    else:
        made = page.tables(costs)
        sys.stdout.write("\n".join(f"{name}\n\n{table}" for name, table in made.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
