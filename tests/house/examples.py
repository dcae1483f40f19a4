"""What breaks each rule of the house, and what only looks like it."""

from __future__ import annotations

from tests.house import rules

# Each entry breaks its rule exactly once: the files, by dotted name below the package "core".
BROKEN: list[tuple[rules.Rule, dict[str, str]]] = [
    (rules.core_knows_only_itself, {"a": "import tws_admin.models"}),
    (rules.core_knows_only_itself, {"a": "def f():\n    from testapp import views"}),
    (rules.only_public_names_of_the_core, {"a": "from tornado_websockets.stats import _Counter"}),
    (rules.only_public_names_of_the_core, {"a": "import tornado_websockets as t\nt._x()"}),
    (rules.no_import_cycles, {"a": "import core.b", "b": "from core import a"}),
    (
        rules.no_import_cycles,
        {"a": "from . import b", "b": "from .c import x", "c": "import core.a"},
    ),
    (
        rules.no_import_cycles,
        {"a": "try:\n    import core.b\nexcept E: pass", "b": "import core.a"},
    ),
    (rules.late_imports_give_their_reason, {"a": "def f():\n    import json"}),
    (rules.pure_modules_are_pure, {"message": "import django.utils.timezone"}),
    (rules.pure_modules_are_pure, {"frames": "def f():\n    from asyncio import sleep"}),
    (rules.settings_are_read_in_one_place, {"a": "from django.conf import settings as s"}),
    (rules.settings_are_read_in_one_place, {"a": "import django.conf"}),
    (rules.settings_are_read_in_one_place, {"a": "def f():\n    from django import conf"}),
    (rules.fan_out_stays_in_layers, {"a": "for peer in anything():\n    peer.emit('x')"}),
    (rules.fan_out_stays_in_layers, {"a": "[peer.write_message(m) for peer in list(x)]"}),
    (rules.fan_out_stays_in_layers, {"a": "for i, h in enumerate(ws.handlers):\n    h.close()"}),
    (rules.fan_out_stays_in_layers, {"a": "for p in x:\n    if y:\n        p.wire.write(b'')"}),
    (rules.json_is_made_in_one_place, {"a": "import json"}),
    (rules.json_is_made_in_one_place, {"a": "try:\n    from orjson import dumps\nexcept E: pass"}),
    (rules.json_is_made_in_one_place, {"a": "from django.core.serializers.json import X"}),
    (rules.transports_stay_in_wire, {"a": "import asyncio\nclass P(asyncio.Protocol): pass"}),
    (rules.transports_stay_in_wire, {"a": "async def f():\n    loop.connect_accepted_socket(p)"}),
    (rules.transports_stay_in_wire, {"a": "from asyncio import Transport"}),
    (
        rules.private_names_of_tornado_stay_in_wire,
        {"a": "from tornado.util import _websocket_mask"},
    ),
    (
        rules.private_names_of_tornado_stay_in_wire,
        {"a": "import tornado.util\ntornado.util._websocket_mask(b'', b'')"},
    ),
    (
        rules.private_names_of_tornado_stay_in_wire,
        {"a": "from tornado import util as u\nu._not_yet_in_tornado()"},
    ),
    (rules.private_names_of_tornado_stay_in_wire, {"a": "def f(h): h.request.c._read_message()"}),
    (rules.modules_are_small, {"a": "x = 1\n" * (rules.MAX_LINES + 1)}),
    (rules.modules_say_what_they_are, {"a": "x = 1"}),
    (rules.nothing_is_left_behind, {"a": "print('here')"}),
    (rules.nothing_is_left_behind, {"a": "x = 1  # TODO: more"}),
    (rules.public_names_are_listed_once, {"a": "__all__ = ['x', 'x']"}),
]

KEPT: list[tuple[rules.Rule, dict[str, str]]] = [
    (rules.core_knows_only_itself, {"a": "import tests_of_somebody_else"}),
    (rules.only_public_names_of_the_core, {"a": "from tornado_websockets import __version__"}),
    (
        rules.no_import_cycles,
        {
            "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.b import x",
            "b": "import core.a\ndef f():\n    import core.c",
            "c": "import core.b",
        },
    ),
    (
        rules.late_imports_give_their_reason,
        {
            "a": "def f():\n    # Django is not set up yet\n    import json\n    import os",
            "b": "def f():\n    import json  # costly",
        },
    ),
    (rules.pure_modules_are_pure, {"message": "import json", "wire": "import asyncio"}),
    (
        rules.settings_are_read_in_one_place,
        {"conf": "from django.conf import settings", "a": "from django.conf.urls import x"},
    ),
    (
        rules.fan_out_stays_in_layers,
        {
            "layers.local": "for handler in handlers:\n    handler.emit('x')",
            "a": "for route in conf.handlers:\n    routes.append(route)",
            "b": "for chunk in body:\n    stream.write(chunk)",
            "c": "for file in files:\n    file.close()",
        },
    ),
    (
        rules.json_is_made_in_one_place,
        {
            "message": "import json, orjson",
            "encoding": "from django.core.serializers.json import DjangoJSONEncoder",
        },
    ),
    (
        rules.transports_stay_in_wire,
        {
            "wire": "import asyncio\nclass P(asyncio.Protocol): pass",
            "a": "import typing\nfrom typing import Protocol\nclass P(typing.Protocol): pass",
        },
    ),
    (
        rules.private_names_of_tornado_stay_in_wire,
        {
            "wire": "from tornado.util import _websocket_mask",
            "a": "class A:\n    def f(self):\n        self._mine = 1\n        self._mine",
        },
    ),
    (rules.modules_say_what_they_are, {"a": "'''Say it.'''", "b": ""}),
    (rules.nothing_is_left_behind, {"a": "'''>>> print(1)'''\nx.print()\n# to do so is fine"}),
    (rules.public_names_are_listed_once, {"a": "__all__ = ['x', 'y']"}),
]
