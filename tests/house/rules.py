"""The rules of the house: each takes modules, and returns the violations as readable lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.house.search import (
    calls,
    calls_on,
    chains_from,
    folder_of,
    has_private_part,
    is_of_asyncio,
    loops,
    names_used,
    private_names,
)
from tests.house.source import Import, Module, read_package

Rule = Callable[[list[Module]], list[str]]

MAX_LINES = 260
PURE = {
    "message", "events", "frames", "framereader", "outbox", "outgoing", "deflate", "stats",
    "histogram", "proxies", "feed.state", "feed.sampler", "feed.timings", "feed.bars",
    "feed.viewers", "feed.merge", "feed.reports", "control.masking", "control.rows", "control.tap",
    "history", "layers.event", "layers.log", "layers.replay", "layers.succession",
    "layers.redis.peers.fields", "layers.redis.peers.roll", "layers.redis.peers.roster",
    "limits.rates", "limits.census", "limits.loggate", "progress.live.board",
    "progress.live.hearing",
    "progress.states", "progress.work.meter", "layers.redis.address", "layers.redis.backoff",
    "layers.redis.command", "layers.redis.lane", "layers.redis.parcel", "layers.redis.script",
}  # fmt: skip
SETTINGS_READERS = {"conf"}
JSON_READERS = {"message", "testing"}  # testing plays the client, which decodes for itself
JSON_OF_DJANGO_READERS = {"message", "encoding", "models"}
WIRE = {"wire"}

# What sends to one connection, and the names under which collections of connections go.
SENDING = {"emit", "send", "write", "write_message", "write_frame", "write_frames"}
REACHING = SENDING | {"close", "abort", "kick", "ping"}
CONNECTIONS = {"handlers", "connections", "clients", "peers"}

# What only somebody who holds an asyncio transport uses.
TRANSPORT = {
    "BaseProtocol",
    "BufferedProtocol",
    "Protocol",
    "Transport",
    "connect_accepted_socket",
    "pause_reading",
    "resume_reading",
    "set_write_buffer_limits",
}


def _is_wire(module: Module) -> bool:
    """Tell whether a module is the wire, or a part of its package."""
    return not WIRE.isdisjoint(module.name.split("."))


def core_knows_only_itself(modules: list[Module]) -> list[str]:
    """Keep the core free of what is built on it."""
    return [
        f"{module.at(found.line)} imports {found.dotted}: the core knows nothing above it"
        for module, found in _imports(modules)
        if found.reaches("tws_admin", "testapp", "tests")
    ]


def only_public_names_of_the_core(modules: list[Module]) -> list[str]:
    """Keep the monitor to the core's public names."""
    violations = [
        f"{module.at(found.line)} imports {found.dotted}, which is private to the core"
        for module, found in _imports(modules)
        if found.reaches("tornado_websockets") and has_private_part(found.dotted)
    ]
    for module in modules:
        for chain, node in chains_from(module, "tornado_websockets"):
            if has_private_part(chain):
                violations.append(f"{module.at(node)} uses {chain}, which is private to the core")
    return violations


def no_import_cycles(modules: list[Module]) -> list[str]:
    """Let imports run one way, when modules are loaded."""
    names = {module.name for module in modules}
    graph = {
        module.name: {
            target
            for found in module.imports
            if not found.inside_function and not found.for_types_only
            for target in [found.dotted if found.dotted in names else found.module]
            if target in names and target != module.name
        }
        for module in modules
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["import cycle: " + " <- ".join(error.args[1])]
    return []


def late_imports_give_their_reason(modules: list[Module]) -> list[str]:
    """Ask for a comment at each import inside a function: beside it, or on the line above."""
    violations = []
    for module in modules:
        late = {found.line: found for found in module.imports if found.inside_function}
        explained: set[int] = set()
        for line, found in sorted(late.items()):
            if {line, line - 1} & module.comments.keys() or line - 1 in explained:
                explained.add(line)
            else:
                violations.append(
                    f"{module.at(line)} imports {found.dotted} inside a function and says no reason"
                )
    return violations


def pure_modules_are_pure(modules: list[Module]) -> list[str]:
    """Keep frameworks and input/output out of the modules that only compute."""
    return [
        f"{module.at(found.line)} imports {found.dotted}, but is to stay pure"
        for module, found in _imports(modules)
        if module.room in PURE
        and not found.for_types_only
        and found.reaches("tornado", "django", "asyncio")
    ]


def settings_are_read_in_one_place(modules: list[Module]) -> list[str]:
    """Keep django.conf.settings, in any form, to conf.py."""
    return [
        f"{module.at(found.line)} imports {found.dotted}: only conf.py reads the settings"
        for module, found in _imports(modules)
        if module.room not in SETTINGS_READERS
        and found.dotted
        in {"django.conf", "django.conf.*", "django.conf.settings", "django.conf.LazySettings"}
    ]


def fan_out_stays_in_layers(modules: list[Module]) -> list[str]:
    """Find loops which send to, or close, each of several connections.

    That is a loop, or a comprehension, which calls a sending method on its own variable; or any
    other method that reaches the client, when what is looped over is named like connections.
    """
    violations = []
    for module in modules:
        if module.room.partition(".")[0] == "layers":
            continue
        for target, iterable, body in loops(module.tree):
            words = set(re.findall(r"\w+", ast.unparse(iterable)))
            verbs = REACHING if words & CONNECTIONS else SENDING
            violations += [
                f"{module.at(call)} calls .{call.func.attr}() on each of "
                f"{ast.unparse(iterable)}: only layers/ loops over connections"
                for call in calls_on(target, body)
                if isinstance(call.func, ast.Attribute) and call.func.attr in verbs
            ]
    return violations


def json_is_made_in_one_place(modules: list[Module]) -> list[str]:
    """Keep JSON to message.py; Django's encoder may be adapted in encoding.py."""
    violations = []
    for module, found in _imports(modules):
        plain = found.reaches("json", "orjson", "tornado.escape.json_encode")
        of_django = found.reaches("django.core.serializers.json")
        if (plain and module.room not in JSON_READERS) or (
            of_django and module.room not in JSON_OF_DJANGO_READERS
        ):
            violations.append(
                f"{module.at(found.line)} imports {found.dotted}: only message.py encodes JSON"
            )
    return violations


def transports_stay_in_wire(modules: list[Module]) -> list[str]:
    """Keep asyncio's transports and protocols to the wire."""
    return [
        f"{module.at(node)} uses {name}: only the wire touches a transport"
        for module in modules
        if not _is_wire(module)
        for node, name in names_used(module.tree)
        if name in TRANSPORT and is_of_asyncio(node)
    ]


def private_names_of_tornado_stay_in_wire(modules: list[Module]) -> list[str]:
    """Keep Tornado's private names to the wire.

    They are found by import, by attributes of what was imported, and, since an object does not
    tell whose it is, by any private attribute that Tornado defines and this package does not.
    """
    foreign = private_names(read_package(folder_of("tornado"))) - private_names(modules)
    violations = []
    for module in modules:
        if _is_wire(module):
            continue
        found = {
            node.lineno: ast.unparse(node)
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and node.attr in foreign
        }
        found |= {
            node.lineno: chain
            for chain, node in chains_from(module, "tornado")
            if has_private_part(chain)
        }
        found |= {
            item.line: item.dotted
            for item in module.imports
            if item.reaches("tornado") and has_private_part(item.dotted)
        }
        violations += [
            f"{module.at(line)} uses {name}, which is private to Tornado: only the wire may"
            for line, name in sorted(found.items())
        ]
    return violations


def modules_are_small(modules: list[Module]) -> list[str]:
    """Ask for a split before a module becomes two."""
    return [
        f"{module.name} has {len(module.lines)} lines, more than {MAX_LINES}: split it"
        for module in modules
        if len(module.lines) > MAX_LINES
    ]


def modules_say_what_they_are(modules: list[Module]) -> list[str]:
    """Ask for a docstring in each module that has something in it."""
    return [
        f"{module.name} has no docstring"
        for module in modules
        if module.source.strip() and not ast.get_docstring(module.tree)
    ]


def nothing_is_left_behind(modules: list[Module]) -> list[str]:
    """Find print() and notes to oneself."""
    violations = []
    for module in modules:
        violations += [
            f"{module.at(call)} prints: use logging, or self.stdout in a command"
            for call in calls(module.tree)
            if isinstance(call.func, ast.Name) and call.func.id == "print"
        ]
        violations += [
            f"{module.at(line)} has a note: {comment}"
            for line, comment in module.comments.items()
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", comment)
        ]
    return violations


def public_names_are_listed_once(modules: list[Module]) -> list[str]:
    """Check that ``__all__`` repeats nothing; that its names exist is for the type checker."""
    violations = []
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names = ast.literal_eval(node.value)
                if len(set(names)) != len(names):
                    violations.append(f"{module.at(node)} lists a name twice in __all__")
    return violations


def without_a_test(modules: list[Module], tests: Path, exempt: Iterable[str]) -> list[str]:
    """Name the modules that have no test module of their own name below the folder."""
    tested = {path.stem.removeprefix("test_") for path in tests.rglob("test_*.py")}
    return [
        f"{module.name} has no test_{module.path.stem}.py below {tests.name}/"
        for module in modules
        if not module.is_package
        and module.path.stem not in tested
        and module.room not in exempt
        and ".migrations." not in module.name
    ]


def _imports(modules: list[Module]) -> Iterator[tuple[Module, Import]]:
    return ((module, found) for module in modules for found in module.imports)


CORE_RULES: list[Rule] = [
    core_knows_only_itself,
    no_import_cycles,
    late_imports_give_their_reason,
    pure_modules_are_pure,
    settings_are_read_in_one_place,
    fan_out_stays_in_layers,
    json_is_made_in_one_place,
    transports_stay_in_wire,
    private_names_of_tornado_stay_in_wire,
    modules_are_small,
    modules_say_what_they_are,
    nothing_is_left_behind,
    public_names_are_listed_once,
]
MONITOR_RULES: list[Rule] = [
    only_public_names_of_the_core,
    *(rule for rule in CORE_RULES if rule is not core_knows_only_itself),
]
