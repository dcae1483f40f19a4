"""Read Python packages as syntax trees: which modules there are, and what each imports."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One imported name, with the place that it is imported at."""

    module: str  # absolute
    name: str | None  # what is taken from the module; None for "import module"
    line: int
    inside_function: bool
    for_types_only: bool

    @property
    def dotted(self) -> str:
        return self.module if self.name is None else f"{self.module}.{self.name}"

    def reaches(self, *packages: str) -> bool:
        """Tell whether this is an import of one of the packages, or from inside of one."""
        return any(f"{self.dotted}.".startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Module:
    """One source file of a package."""

    name: str  # dotted
    path: Path
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @cached_property
    def lines(self) -> list[str]:
        return self.source.splitlines()

    @cached_property
    def imports(self) -> list[Import]:
        return list(self._imports(self.tree, inside_function=False, for_types_only=False))

    @cached_property
    def comments(self) -> dict[int, str]:
        """The comments by line number."""
        tokens = tokenize.generate_tokens(StringIO(self.source).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @property
    def room(self) -> str:
        """The dotted name below the package, such as ``layers.local``."""
        return self.name.partition(".")[2]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def at(self, node: ast.AST | int) -> str:
        """Name a place as messages show it."""
        return f"{self.name}:{node if isinstance(node, int) else getattr(node, 'lineno', 0)}"

    def _imports(
        self, node: ast.AST, *, inside_function: bool, for_types_only: bool
    ) -> Iterator[Import]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module, name in self._names(node):
                yield Import(module, name, node.lineno, inside_function, for_types_only)
            return
        inside_function |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._imports(
                        child,
                        inside_function=inside_function,
                        for_types_only=for_types_only or (guarded and field == "body"),
                    )

    def _names(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str | None]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
            return
        module = node.module or ""
        if node.level:
            parts = self.name.split(".")
            base = parts[: len(parts) - node.level + self.is_package]
            module = ".".join([*base, module] if module else base)
        yield from ((module, alias.name) for alias in node.names)


def read_package(folder: Path) -> list[Module]:
    """Read the modules of the package in a folder; none when there is no such folder."""
    return [
        Module(_dotted(path, folder), path, path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    ]


def _dotted(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
