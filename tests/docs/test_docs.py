"""What the documentation says is what the code does: names, settings, codes, options, links."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from django.core.management import CommandParser, load_command_class

from tests.docs.pages import DOCS, ROOT, Block, Page, blocks, code, page, pages
from tornado_websockets import conf, rules
from tornado_websockets.auth.watch import SESSION_ENDED
from tornado_websockets.deflate import Compression
from tornado_websockets.env import VARIABLES
from tornado_websockets.exceptions import TornadoWebSocketsError
from tornado_websockets.limits.conduct import BAD_FRAMES, TOO_MANY
from tornado_websockets.message import WARNINGS
from tornado_websockets.modules import ProgressBar
from tornado_websockets.outbox import POLICIES
from tornado_websockets.stats import PathStats
from tornado_websockets.testing import Client, Server
from tornado_websockets.websocket import WebSocket
from tornado_websockets.wire.heartbeat import PING_TIMEOUT
from tornado_websockets.wire.wire import TOO_SLOW

STATIC = ROOT / "tornado_websockets" / "static" / "tornado_websockets"
SETTINGS_HEADER = ("Key", "Type", "Default", "Unit", "Environment variable", "Check")

# For Node: a client whose connection ends with each code, and whether it comes back.
CLOSING = """
require(process.argv[1]);
class Peer extends EventTarget {
  constructor() { super(); Peer.last = this; }
  send() {}
  close() {}
}
const back = (code) => {
  const ws = new TornadoWebSocket('/x', { WebSocket: Peer });
  ws.on('error', () => {});
  Peer.last.dispatchEvent(Object.assign(new Event('close'), { code }));
  const { state } = ws;
  ws.close();
  return state === 'waiting';
};
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(back)));
"""


def node(*arguments: str, source: str | None = None) -> str:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        ["node", *arguments], input=source, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings_of_the_code() -> dict[str, Any]:
    """Return the default of every setting by its documented name."""
    defaults = conf.Config()
    found = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(defaults)}
    found |= {
        f"limits.{field.name}": getattr(defaults.limits, field.name)
        for field in dataclasses.fields(defaults.limits)
    }
    # In a settings module they are a list and a dictionary.
    return found | {"handlers": list(defaults.handlers), "limits": {}}


def settings_of_the_page() -> dict[str, list[str]]:
    rows = page("settings.md").table(*SETTINGS_HEADER)
    return {code(key)[0]: rest for key, *rest in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {
        key: ast.literal_eval(code(default)[0])
        for key, (_type, default, *_rest) in settings_of_the_page().items()
    }
    assert documented == settings_of_the_code()


def test_every_environment_variable_is_documented_at_its_setting() -> None:
    documented = {
        code(variable)[0]: key
        for key, (*_first, variable, _check) in settings_of_the_page().items()
        if variable
    }
    assert documented == {
        name: f"{section}.{key}" if section else key
        for name, (section, key, _parse) in VARIABLES.items()
    }


def problems_of_every_setting() -> dict[str, str]:
    """Return the id of the check of every setting, by making each one wrong."""
    found = {}
    for key in settings_of_the_code():
        outer, _, inner = key.partition(".")
        wrong: Any = {outer: {inner: object()}} if inner else {outer: object()}
        [problem] = rules.problems(wrong)
        found[key] = problem.id
    return found


def test_every_setting_names_its_check() -> None:
    documented = {key: code(row[-1])[0] for key, row in settings_of_the_page().items()}
    assert documented == problems_of_every_setting()


def test_every_check_is_documented_at_its_settings() -> None:
    rows = page("checks.md").table("Id", "Setting", "Expected", "Hint")
    documented = {code(row[0])[0].removeprefix("tornado_websockets."): row[1] for row in rows}
    by_setting = problems_of_every_setting()
    [of_all], [unknown] = rules.problems(None), rules.problems({"unheard_of": 1})
    assert set(documented) == {*by_setting.values(), of_all.id, unknown.id}
    assert {
        key: check for check, cell in documented.items() for key in code(cell) if key != "TORNADO"
    } == by_setting


def test_no_check_of_the_source_is_left_out() -> None:
    modules = ("rules.py", "layerspec.py", "hazards.py")
    source = "".join((ROOT / "tornado_websockets" / name).read_text() for name in modules)
    ids = set(re.findall(r'"([EW]\d{3})"', source))
    assert ids == set(re.findall(r"tornado_websockets\.([EW]\d{3})", page("checks.md").text))


def test_every_reason_of_a_refusal_is_documented_with_its_status() -> None:
    source = (ROOT / "tornado_websockets" / "gate.py").read_text()
    refusals = set(re.findall(r'_refuse\(socket, (\d+), "(\w+)"', source))
    rows = page("security.md").table("Reason", "Status", "What was wrong")
    assert refusals
    assert refusals <= {(status, code(reason)[0]) for reason, status, _what in rows}


def test_every_parameter_of_compression_is_documented_with_its_range_and_default() -> None:
    rows = page("settings.md").table("Key", "Range", "Default", "What it is")
    documented = {code(key)[0]: ast.literal_eval(code(default)[0]) for key, _, default, _ in rows}
    assert documented == dataclasses.asdict(Compression())
    for key, numbers, *_rest in rows:
        low, *high = map(int, re.findall(r"\d+", numbers))
        assert all(rules.is_compression({code(key)[0]: value}) for value in (low, *high))
        beyond = [low - 1, *(value + 1 for value in high)]
        assert not any(rules.is_compression({code(key)[0]: value}) for value in beyond), key


def test_every_policy_for_slow_readers_is_documented() -> None:
    rows = page("websockets.md").table("Policy", "A client for which too much waits", "Good for")
    assert [code(row[0])[0] for row in rows] == list(POLICIES)


def test_every_counter_is_documented() -> None:
    rows = page("websockets.md").table("Counter", "Unit", "What it is")
    names = {name for name in dir(PathStats) if not name.startswith("_")}
    verbs = {name for name in names if callable(getattr(PathStats, name))}
    assert {code(row[0])[0] for row in rows} == names - verbs


def test_every_warning_is_documented_with_its_sentence() -> None:
    rows = page("protocol.md").table("Code", "Message", "Sent when")
    assert {code(row[0])[0]: row[1] for row in rows} == dict(WARNINGS)


def test_the_client_comes_back_after_the_documented_close_codes() -> None:
    documented = {}
    for codes, _meaning, answer in page("protocol.md").table("Code", "Meaning", "Reconnect"):
        first, _, last = codes.partition("-")
        documented[int(first)] = documented[int(last or first)] = answer == "yes"
    documented |= dict.fromkeys((1003, 1005, 1012, 3000, 3999), True)  # "every other code"
    codes_given = json.dumps(list(documented))
    answers = json.loads(node("-e", CLOSING, str(STATIC / "client.js"), codes_given))
    assert dict(zip(documented, answers, strict=True)) == documented


def test_every_close_code_of_the_server_is_documented() -> None:
    sources = [path.read_text() for path in (ROOT / "tornado_websockets").glob("*.py")]
    codes = set(re.findall(r"ProtocolError\((\d{4})", "".join(sources)))
    assert len(codes) >= 3
    codes |= {str(PING_TIMEOUT[0]), str(TOO_SLOW[0]), str(SESSION_ENDED[0])}
    codes |= {str(TOO_MANY[0]), str(BAD_FRAMES[0])}
    assert codes <= {row[0] for row in page("protocol.md").table("Code", "Meaning", "Reconnect")}


async def events_until(client: Client, last: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    while not found or found[-1][0] != last:
        event, data = await client.receive()
        found.append((event.removeprefix("module_progressbar_work_"), list(data)))
    return found


async def test_the_events_of_a_progress_bar_have_the_documented_data(server: Server) -> None:
    ws = WebSocket("/work")
    bar = ProgressBar("work", min=0, max=1)
    ws.bind(bar)
    client = await server.connect("/work")
    bar_events = await events_until(client, "after_init")
    bar.tick("the only step")
    bar_events += await events_until(client, "done")
    rows = page("protocol.md").table("Event", "Keys of its data")
    assert [(event, sorted(keys)) for event, keys in bar_events] == [
        (code(event)[0], sorted(code(keys))) for event, keys in rows
    ]


def test_every_option_of_runtornado_is_documented() -> None:
    parser = CommandParser(add_help=False)
    load_command_class("tornado_websockets", "runtornado").add_arguments(parser)
    names = {name for action in parser._actions for name in action.option_strings or [action.dest]}
    documented = page("runtornado.md").table("Argument", "What it does")
    assert {code(row[0])[0] for row in documented} == names


def declared(file: str, interface: str) -> set[str]:
    """Return the names of the optional members of a TypeScript interface, nested ones dotted."""
    source = (STATIC / file).read_text(encoding="utf-8")
    [body] = re.findall(
        rf"interface {interface}\b[^{{]*{{(.*?)^}}", source, re.DOTALL | re.MULTILINE
    )
    found: set[str] = set()
    for name, members in re.findall(r"^  (\w+)\?: (?:{(.*)})?", body, re.MULTILINE):
        found |= {f"{name}.{inner}" for inner in re.findall(r"(\w+)\?:", members)} or {name}
    return found


def test_every_option_of_the_client_is_documented() -> None:
    tables = page("client.md").table("Option", "Default", "What it is")
    assert {code(row[0])[0] for row in tables} == declared(
        "client.d.ts", "TornadoWebSocketOptions"
    ) | declared("modules/progress_bar.d.ts", "ProgressBarEngineOptions")


@pytest.mark.parametrize(
    "module", ["websocket", "websockethandler", "modules", "exceptions", "testing"]
)
def test_every_public_name_is_mentioned(module: str) -> None:
    words = {word for each in pages() for word in re.findall(r"\w+", each.text)}
    names = importlib.import_module(f"tornado_websockets.{module}").__all__
    assert set(names) - words == set()


def test_every_error_is_documented_with_its_builtin_parent() -> None:
    rows = page("websockets.md").table("Error", "Also a", "Raised when")
    documented = {code(error)[0]: code(parent)[0] for error, parent, _when in rows}
    errors: list[type] = [TornadoWebSocketsError, *TornadoWebSocketsError.__subclasses__()]
    assert documented == {error.__name__: error.__bases__[-1].__name__ for error in errors}


@pytest.mark.parametrize("each", pages(), ids=lambda each: each.path.name)
def test_links_lead_somewhere(each: Page) -> None:
    broken = []
    for target in each.links:
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = DOCS / name if name else each.path
        if not linked.is_file() or (anchor and anchor not in Page(linked).anchors):
            broken.append(target)
    assert broken == []


def test_every_page_is_on_the_map() -> None:
    names = {each.path.name for each in pages()}
    assert names - {"index.md"} <= set(page("index.md").links)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.place)
def test_python_compiles(block: Block) -> None:
    compile(block.code, block.place, "exec")


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.place)
def test_json_parses(block: Block) -> None:
    assert isinstance(json.loads(block.code)["event"], str)


@pytest.mark.parametrize("block", blocks("javascript"), ids=lambda block: block.place)
def test_javascript_parses(block: Block, tmp_path: Any) -> None:
    script = tmp_path / "block.mjs"
    script.write_text(block.code, encoding="utf-8")
    node("--check", str(script))
