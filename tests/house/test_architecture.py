"""The packages keep the rules of the house, and each rule catches what it is there to catch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import rules
from tests.house.examples import BROKEN, KEPT
from tests.house.source import Module, read_package

ROOT = Path(__file__).resolve().parents[2]
CORE = read_package(ROOT / "tornado_websockets")
# Django has written the migrations.
MONITOR = [
    module for module in read_package(ROOT / "tws_admin") if ".migrations." not in module.name
]

# Modules without a test module of their own, and why.
TESTED_ELSEWHERE = {"apps": "the suite does not start without it"}

# Modules that Django lets nobody import before it is set up: they define models, or import some, or
# make a task of Django's.
AFTER_SETUP = {"models", "admin", "progress.engines.djangotask"}


def assert_none(violations: list[str]) -> None:
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize("rule", rules.CORE_RULES, ids=lambda rule: rule.__name__)
def test_the_core_keeps(rule: rules.Rule) -> None:
    """Each rule finds nothing in tornado_websockets."""
    assert CORE, "the package was not found"
    assert_none(rule(CORE))


@pytest.mark.parametrize("rule", rules.MONITOR_RULES, ids=lambda rule: rule.__name__)
def test_the_monitor_keeps(rule: rules.Rule) -> None:
    """Each rule finds nothing in tws_admin."""
    assert_none(rule(MONITOR))


def test_every_module_of_the_core_has_a_test_module() -> None:
    """Tests mirror modules, name for name."""
    folder = ROOT / "tests/tornado_websockets"
    assert_none(rules.without_a_test(CORE, folder, TESTED_ELSEWHERE))


def test_every_module_of_the_monitor_has_a_test_module() -> None:
    """Tests mirror modules, name for name."""
    folder = ROOT / "tests/tws_admin"
    assert_none(rules.without_a_test(MONITOR, folder, TESTED_ELSEWHERE))


def in_a_fresh_interpreter(program: str, *arguments: str) -> list[str]:
    """Run a program that prints a JSON list, with no Django settings in reach."""
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_package_can_be_imported_by_a_settings_module() -> None:
    """Settings import it before Django is configured: it brings neither Django nor Tornado."""
    program = """
import json, sys
import tornado_websockets
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} & {"django", "tornado"})))
"""
    assert_none(in_a_fresh_interpreter(program))


# Event loops make a socket pair, so the interpreter's own audit trail shows loops as well.
IMPORTS_START_NOTHING = """
import importlib, json, sys, threading
import django, environ, socket, tornado.web, tornado.websocket, tornado.httpserver
watched = ("_thread.start", "socket.", "subprocess.", "os.fork", "os.posix_spawn")
current, started = "", []
def hook(event, arguments):
    if current and event.startswith(watched):
        started.append(f"{current} caused {event}")
sys.addaudithook(hook)
# Threads are on the audit trail only since Python 3.12.
start = threading.Thread.start
def noted_start(thread):
    hook("_thread.start", ())
    start(thread)
threading.Thread.start = noted_start
for current in sys.argv[1:]:
    try:
        importlib.import_module(current)
    except Exception as error:
        started.append(f"{current} cannot be imported without settings: {error!r}")
current = ""
if "django.apps" in sys.modules and sys.modules["django.apps"].apps.ready:
    started.append("an import set up Django")
print(json.dumps(started))
"""


def importable_alone(modules: list[Module]) -> list[str]:
    late = {module.name for module in modules if module.room in AFTER_SETUP}
    while True:
        more = {module.name for module in modules if imports_late(module, late)}
        if more <= late:
            break
        late |= more
    return [
        module.name
        for module in modules
        if module.name not in late and ".migrations" not in module.name
    ]


def imports_late(module: Module, late: set[str]) -> bool:
    """Tell whether a module imports one that is late, or models of Django, when it is loaded."""
    return any(
        {found.module, found.dotted} & late or found.module.endswith(".models")
        for found in module.imports
        if not found.inside_function and not found.for_types_only
    )


def test_importing_starts_nothing() -> None:
    """No import starts a loop, a thread or a connection, sets up Django, or needs settings."""
    names = importable_alone(CORE + MONITOR)
    assert_none(in_a_fresh_interpreter(IMPORTS_START_NOTHING, *names))


@pytest.mark.parametrize(
    "source",
    [
        "import threading\nthreading.Thread(target=print).start()",
        "import asyncio\nasyncio.new_event_loop().close()",
        "import tornado.ioloop\ntornado.ioloop.IOLoop()",
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(int)",
        "from django.conf import settings\nsettings.DEBUG",
        "import django\nfrom django.conf import settings\nsettings.configure()\ndjango.setup()",
    ],
)
def test_an_import_that_starts_something_is_noticed(source: str, tmp_path: Path) -> None:
    """The check on imports sees threads, loops, settings and the set-up of Django."""
    (tmp_path / "busy.py").write_text(source)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{IMPORTS_START_NOTHING}"
    assert in_a_fresh_interpreter(program, "busy") != []


def written(folder: Path, files: dict[str, str]) -> list[Module]:
    """Write a package of the given modules, and read it."""
    for name, source in {"__init__": "", **files}.items():
        path = folder.joinpath("core", *name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return read_package(folder / "core")


def case_id(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("rule", "files"), BROKEN, ids=case_id)
def test_a_violation_is_found(rule: rules.Rule, files: dict[str, str], tmp_path: Path) -> None:
    """Each rule finds what breaks it."""
    assert len(rule(written(tmp_path, files))) == 1


@pytest.mark.parametrize(("rule", "files"), KEPT, ids=case_id)
def test_what_is_allowed_passes(rule: rules.Rule, files: dict[str, str], tmp_path: Path) -> None:
    """No rule objects to what only resembles a violation."""
    assert rule(written(tmp_path, files)) == []


def test_every_rule_is_proved() -> None:
    """A rule without an example of its violation may find nothing at all."""
    proved = {rule for rule, _ in BROKEN}
    assert proved >= {*rules.CORE_RULES, *rules.MONITOR_RULES}


def test_a_module_without_a_test_module_is_found(tmp_path: Path) -> None:
    """Packages, migrations and what is tested elsewhere need no test module; all others do."""
    files = {"a": "", "b": "", "apps": "", "migrations.__init__": "", "migrations.0001_x": ""}
    modules = written(tmp_path, files)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").touch()
    assert rules.without_a_test(modules, tmp_path / "tests", {"apps": ""}) == [
        "core.b has no test_b.py below tests/"
    ]
