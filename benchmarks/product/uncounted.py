"""Django's command line of the measured project, without counting: what counting costs.

The product's modules are loaded with the statements taken out that count, and those that read the
clock for them. It never measures the same thing twice: a module in which nothing was found to take
out ends it, and so does a counter that counts all the same.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Final, NoReturn

from django.core.management import execute_from_command_line

COUNTING: Final = frozenset(
    {
        "tornado_websockets.inbox",
        "tornado_websockets.websockethandler",
        "tornado_websockets.wire.wire",
    }
)
"""The modules that count."""

CLOCK: Final = "perf_counter_ns"


class Remover(ast.NodeTransformer):
    """Replaces statements that count by ``pass``, which costs nothing.

    Attributes:
        removed: how many there were.
    """

    def __init__(self) -> None:
        self.removed = 0

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """``….stats.events_in += 1``"""
        return self._without(node) if _is_of_stats(node.target) else node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """``….stats.latency.add(…)``"""
        counts = isinstance(node.value, ast.Call) and _is_of_stats(node.value.func)
        return self._without(node) if counts else node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """``started = perf_counter_ns()``, and a short name: ``stats = self._stats``"""
        [target, *others] = node.targets
        short = isinstance(target, ast.Name) and target.id.endswith("stats")
        if not others and (_reads_clock(node.value) or (short and _is_of_stats(node.value))):
            return self._without(node)
        return node

    def _without(self, node: ast.stmt) -> ast.stmt:
        self.removed += 1
        return ast.copy_location(ast.Pass(), node)


class Loader(SourceFileLoader):
    """Loads a module that counts as one that does not."""

    def get_code(self, fullname: str) -> CodeType:
        # Not from the bytecode on disk, which counts, nor into it.
        path = self.get_filename(fullname)
        tree = uncounted(self.get_data(path).decode(), fullname)
        return compile(tree, path, "exec", dont_inherit=True)


class Finder(PathFinder):
    """Finds the modules that count."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in COUNTING:
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(fullname, spec.origin)
        return spec


def uncounted(source: str, name: str) -> ast.Module:
    """Return a module without its counting.

    Raises:
        RuntimeError: nothing counts in it, or something else still reads the clock.
    """
    remover = Remover()
    tree = ast.parse(source)
    remover.visit(tree)
    if not remover.removed:
        raise RuntimeError(f"expected statements that count in {name}, found none")
    if any(isinstance(node, ast.Call) and _reads_clock(node) for node in ast.walk(tree)):
        raise RuntimeError(f"expected {name} to read the clock for counters only")
    return ast.fix_missing_locations(tree)


def install() -> None:
    """Load the product without counting; a counter that counts nevertheless ends the process.

    Raises:
        ImportError: a module that is to count is not there.
        RuntimeError: nothing counts in one.
    """
    loaded = COUNTING & sys.modules.keys()
    if loaded:
        raise RuntimeError(f"expected {', '.join(sorted(loaded))} not to be imported yet")
    sys.meta_path.insert(0, Finder)
    for name in sorted(COUNTING):
        importlib.import_module(name)
    _seal()


def _seal() -> None:
    stats = importlib.import_module("tornado_websockets.stats")
    stats.Histogram.add = stats.Counts.add = stats.PathStats.open = _end
    stats.PathStats.__setattr__ = stats.EventStats.__setattr__ = _refuse_number


def _refuse_number(counters: Any, name: str, value: Any) -> None:
    if isinstance(value, int) and value:
        _end()
    object.__setattr__(counters, name, value)


def _end(*_: Any) -> NoReturn:
    # No exception: a server would log it and go on.
    traceback.print_stack()
    sys.stderr.write("it counted, though counting was to be taken out\n")
    sys.stderr.flush()
    os._exit(1)


def _is_of_stats(node: ast.AST) -> bool:
    """Tell whether an expression like ``a.stats.b[c]`` goes through something named stats."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute):
            if node.attr.endswith("stats"):
                return True
        elif not isinstance(node, ast.Subscript):
            return False
        node = node.value
    return node.id.endswith("stats")


def _reads_clock(value: ast.expr) -> bool:
    """Tell whether an expression is ``perf_counter_ns()``, or the time since then."""
    if isinstance(value, ast.BinOp):
        return _reads_clock(value.left) or _reads_clock(value.right)
    return isinstance(value, ast.Call) and ast.unparse(value.func).endswith(CLOCK)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    install()
    execute_from_command_line(sys.argv)
