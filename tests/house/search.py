"""Find what the rules of the house speak of in syntax trees: names, attributes, loops, calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.house.source import Module


def calls(tree: ast.AST) -> Iterable[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def private_names(modules: Iterable[Module]) -> set[str]:
    """Collect the names with one leading underscore that modules define, at any level."""
    names: set[str] = set()
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}:
                    names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)  # __slots__
    return {name for name in names if is_private(name)}


def folder_of(package: str) -> Path:
    """Find an installed package's folder without importing the package."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None, f"{package} has no __init__.py"
    return Path(spec.origin).parent


def is_private(name: str) -> bool:
    return bool(re.fullmatch(r"_[a-zA-Z0-9]\w*", name))


def has_private_part(dotted: str) -> bool:
    return any(is_private(part) for part in dotted.split("."))


def chains_from(module: Module, package: str) -> Iterator[tuple[str, ast.Attribute]]:
    """Yield the dotted attribute chains that start at a name imported from a package."""
    bound = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                origin = (
                    alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
                )
                if f"{origin}.".startswith(f"{package}."):
                    whole = alias.asname or isinstance(node, ast.ImportFrom)
                    bound[alias.asname or alias.name.partition(".")[0]] = (
                        origin if whole else package
                    )
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in bound:
                yield f"{bound[first]}.{rest}", node


def loops(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, list[ast.AST]]]:
    """Yield target, iterable and body of each loop and comprehension."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.AsyncFor):
            yield node.target, node.iter, list(node.body)
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            for part in node.generators:
                yield part.target, part.iter, [node.elt]


def calls_on(target: ast.expr, body: list[ast.AST]) -> Iterator[ast.Call]:
    variables = {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    for part in body:
        for call in calls(part):
            if isinstance(call.func, ast.Attribute):
                owner: ast.expr = call.func.value
                while isinstance(owner, ast.Attribute):
                    owner = owner.value
                if isinstance(owner, ast.Name) and owner.id in variables:
                    yield call


def names_used(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, alias.name) for alias in node.names)


def is_of_asyncio(node: ast.AST) -> bool:
    """Leave typing.Protocol alone: the capitalised names count when asyncio is named with them."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] == "asyncio"
    assert isinstance(node, ast.Attribute)
    return not node.attr[0].isupper() or ast.unparse(node.value).partition(".")[0] == "asyncio"
