"""A generator of messages and frames that nobody should send, each with the answer that it gets."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from benchmarks.frames import CLOSE, MASK, PING, PONG, TEXT, masked
from tests.rawclient import masked as framed
from tornado_websockets.frames import BINARY, CONTINUATION

__all__ = ["CORPUS", "Message", "Violation", "messages", "violations"]

ECHO: Final = "message"
"""The answer to a message that is well."""


class Message(NamedTuple):
    """A frame that keeps the connection open, and the answer: a warning's code, or `ECHO`."""

    frame: bytes
    answer: str


class Violation(NamedTuple):
    """A frame that breaks RFC 6455, and the code that the connection is closed with."""

    frame: bytes
    code: int


def messages(seed: int) -> Iterator[Message]:
    """Make messages without end, one in ten of them well."""
    chance = random.Random(seed)
    kinds: list[Callable[[random.Random], Message]] = [
        _echo, _cut, _not_finite, _surrogate, _garbage, _scalar, _no_event, _no_data, _unknown,
        _binary,
    ]  # fmt: skip
    while True:
        yield chance.choice(kinds)(chance)


def violations(seed: int) -> Iterator[Violation]:
    """Make frames that end a connection, without end."""
    chance = random.Random(seed)
    while True:
        yield chance.choice([_opcode, _bits, _control, _order, _closing, _length, _bytes])(chance)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _name(chance: random.Random) -> str:
    letters = "abcdefgh é\u2028\\\"'<>{}"
    return "".join(chance.choice(letters) for _ in range(chance.randrange(1, 30)))


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(7 if depth < 4 else 5)
    if kind < 5:
        return [None, True, chance.randrange(-(2**53), 2**53), chance.random(), _name(chance)][kind]
    count = range(chance.randrange(4))
    if kind == 5:
        return [_value(chance, depth + 1) for _ in count]
    return {_name(chance): _value(chance, depth + 1) for _ in count}


def _envelope(chance: random.Random) -> bytes:
    return _json({"event": ECHO, "data": {_name(chance): _value(chance)}})


def _echo(chance: random.Random) -> Message:
    return Message(masked(_envelope(chance)), ECHO)


def _cut(chance: random.Random) -> Message:
    text = _envelope(chance).decode()
    return Message(masked(text[: chance.randrange(len(text))].encode()), "invalid_json")


def _not_finite(chance: random.Random) -> Message:
    number = chance.choice(["NaN", "Infinity", "-Infinity", "1e999", "-1e400", "nan", "0x1", "01"])
    text = '{"event": "message", "data": {"n": %s}}' % number  # noqa: UP031  full of braces
    return Message(masked(text.encode()), "invalid_json")


def _surrogate(chance: random.Random) -> Message:
    lone = f"\\u{chance.randrange(0xD800, 0xE000):x}"
    text = '{"event": "message", "data": {"s": "%s"}}' % lone  # noqa: UP031  full of braces
    return Message(masked(text.encode()), "invalid_json")


def _garbage(chance: random.Random) -> Message:
    text = "".join(chr(chance.randrange(32, 0x2FFF)) for _ in range(chance.randrange(1, 200)))
    return Message(masked(b"!" + text.encode()), "invalid_json")


def _scalar(chance: random.Random) -> Message:
    value = _value(chance)
    return Message(masked(_json([value] if isinstance(value, dict) else value)), "not_an_object")


def _no_event(chance: random.Random) -> Message:
    event: Any = chance.choice([None, "", 0, 1.5, True, [], {}, {"__proto__": {}}, ["message"]])
    envelope = {"data": {}} if chance.random() < 0.3 else {"event": event, "data": {}}
    return Message(masked(_json(envelope)), "missing_event")


def _no_data(chance: random.Random) -> Message:
    data = chance.choice([1, -0.5, True, False, "", "text", [], [{}], [_value(chance)]])
    return Message(masked(_json({"event": ECHO, "data": data})), "invalid_data")


def _unknown(chance: random.Random) -> Message:
    if chance.random() < 0.2:
        return Message(masked(_json({"event": chance.choice(["open", "close"])})), "reserved_event")
    event = chance.choice(["__proto__", "constructor", "__class__", "on", "emit", "x" * 5000])
    return Message(masked(_json({"event": event + _name(chance)})), "unknown_event")


def _binary(chance: random.Random) -> Message:
    return Message(masked(chance.randbytes(chance.randrange(100)), BINARY), "binary_not_supported")


def _opcode(chance: random.Random) -> Violation:
    opcode = chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    return Violation(masked(chance.randbytes(chance.randrange(100)), opcode), 1002)


def _bits(chance: random.Random) -> Violation:
    opcode, bits = chance.choice([TEXT, BINARY, PING]), chance.choice([0x10, 0x20, 0x40, 0x70])
    return Violation(framed(opcode, b"{}", rsv=bits, mask=MASK), 1002)


def _control(chance: random.Random) -> Violation:
    opcode = chance.choice([CLOSE, PING, PONG])
    if chance.random() < 0.5:
        return Violation(framed(opcode, b"", fin=False, mask=MASK), 1002)
    return Violation(masked(chance.randbytes(chance.randrange(126, 500)), opcode), 1002)


def _order(chance: random.Random) -> Violation:
    if chance.random() < 0.5:
        return Violation(framed(CONTINUATION, b"{}", fin=chance.random() < 0.5, mask=MASK), 1002)
    half = framed(TEXT, b'{"event":', fin=False, mask=MASK)
    return Violation(half + masked(b"{}", chance.choice([TEXT, BINARY])), 1002)


def _closing(chance: random.Random) -> Violation:
    if chance.random() < 0.3:
        return Violation(masked(b"\x03", CLOSE), 1002)
    if chance.random() < 0.3:
        return Violation(masked(b"\x03\xe8\xff\xfe", CLOSE), 1007)
    code = chance.choice([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535])
    return Violation(masked(code.to_bytes(2, "big"), CLOSE), 1002)


def _length(chance: random.Random) -> Violation:
    longest = b"\x81\xff"
    heads = [longest + b"\x80" + b"\0" * 7, longest + b"\0" * 7 + b"\x05", b"\x81\xfe\0\x05"]
    if chance.random() < 0.3:
        return Violation(b"\x81\x05hello" * 2, 1002)  # without mask
    return Violation(chance.choice(heads) + MASK + b"hello", 1002)


def _bytes(chance: random.Random) -> Violation:
    bad = chance.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"])
    return Violation(masked(b'{"event": "' + bad + b'"}'), 1007)


def _corpus() -> dict[str, Message]:
    deep = b'{"event": "message", "data": {"d": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    keys = b'{"__proto__": {"a": 1}, "constructor": {}, "__class__": null}'
    huge = _json({"event": "nobody", "data": {f"key {n}": "x" * 64 for n in range(90_000)}})
    texts = {
        "NaN": (b'{"event": "message", "data": {"n": NaN}}', "invalid_json"),
        "1e999": (b'{"event": "message", "data": {"n": 1e999}}', "invalid_json"),
        "a lone surrogate": (b'{"event": "message", "data": {"s": "\\ud800"}}', "invalid_json"),
        "a lone surrogate as event": (b'{"event": "\\udfff"}', "invalid_json"),
        "100 000 brackets": (b"[" * 100_000, "invalid_json"),
        "100 000 brackets, closed": (deep, "invalid_json"),
        "100 000 braces": (b'{"a":' * 100_000, "invalid_json"),
        f"an object of {len(huge) / 1e6:.0f} MB": (huge, "unknown_event"),
        "keys like __proto__": (b'{"event": "message", "data": %s}' % keys, ECHO),
        "__proto__ as event": (b'{"event": "__proto__"}', "unknown_event"),
        "an object as event": (b'{"event": {"a": 1}}', "missing_event"),
        "a list as event": (b'{"event": ["message"]}', "missing_event"),
        "null": (b"null", "not_an_object"),
        "nothing": (b"", "invalid_json"),
        "a byte order mark": (b'\xef\xbb\xbf{"event": "message"}', "invalid_json"),
        "a key twice": (b'{"event": "nobody", "event": "message"}', ECHO),
        "a NUL in the event": (b'{"event": "message\\u0000"}', "unknown_event"),
    }
    return {name: Message(_frame(text), answer) for name, (text, answer) in texts.items()}


def _frame(payload: bytes) -> bytes:
    """Return a masked frame; with a mask of zeros where the payload is long, which is quick."""
    return masked(payload) if len(payload) < 1000 else _zero_masked(payload)


def _zero_masked(payload: bytes) -> bytes:
    size = len(payload)
    if size < 1 << 16:
        return b"\x81\xfe" + size.to_bytes(2, "big") + bytes(4) + payload
    return b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + payload


CORPUS: Final = _corpus()
"""What has broken others, by name."""
