"""What a client sends, in any pieces: the rules of RFC 6455 section 5, and any bytes at all."""

from __future__ import annotations

import codecs
import itertools
import struct
import tracemalloc
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tornado.util import _websocket_mask
from websockets.frames import Close as ReferenceClose
from websockets.frames import Frame as ReferenceFrame
from websockets.protocol import Protocol, Side, State

from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.framereader import FrameReader, Message
from tornado_websockets.frames import BINARY, CLOSE, CONTINUATION, NO_STATUS, PING, PONG, TEXT

KEY = b"\x5a\x00\xff\x31"
MAX_SIZE = 1000
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
BOUNDARIES = [0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537]


HELLO: Message = (TEXT, "hello")


def xor(mask: bytes, data: bytes) -> bytes:
    """Mask, or unmask, as RFC 6455 section 5.3 writes it."""
    return bytes(byte ^ key for byte, key in zip(data, itertools.cycle(mask), strict=False))


def head(first: int, length: int, *, key: bytes = KEY) -> bytes:
    """Return what stands before a payload, its length in the shortest form."""
    if length < 126:
        return bytes((first, 0x80 | length)) + key
    if length < 1 << 16:
        return struct.pack("!BBH", first, 0xFE, length) + key
    return struct.pack("!BBQ", first, 0xFF, length) + key


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, key: bytes = KEY
) -> bytes:
    """Return a frame as clients send it, masked."""
    first = (0x80 if fin else 0) | reserved | opcode
    return head(first, len(payload), key=key) + xor(key, payload)


def fragments(opcode: int, *payloads: bytes) -> bytes:
    """Return a message in fragments."""
    last = len(payloads) - 1
    return b"".join(
        frame(CONTINUATION if index else opcode, payload, fin=index == last)
        for index, payload in enumerate(payloads)
    )


class Inflated:
    """Undoes permessage-deflate without context takeover, RFC 7692 section 7.2.2."""

    def __init__(self) -> None:
        self._size = 0
        self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)

    def inflate(self, data: bytes, max_size: int) -> bytes:
        room = max_size - self._size
        try:
            expanded = self._decompressor.decompress(data, room + 1)
        except zlib.error as error:
            raise ProtocolError(1007, "what cannot be expanded") from error
        if len(expanded) > room:
            raise ProtocolError(1009, f"a message of more than {max_size} bytes")
        self._size += len(expanded)
        return expanded

    def finish(self, max_size: int) -> bytes:
        rest = self.inflate(b"\x00\x00\xff\xff", max_size)
        self.__init__()  # type: ignore[misc]
        return rest


def deflate(data: bytes) -> bytes:
    """Compress a message, RFC 7692 section 7.2.1."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Outcome(NamedTuple):
    """What came of some bytes."""

    messages: list[Message]
    code: int | None = None
    reason: str = ""


def new_reader(max_size: int = MAX_SIZE, *, deflated: bool = False) -> FrameReader:
    return FrameReader(xor, max_size=max_size, inflater=Inflated() if deflated else None)


def read_pieces(reader: FrameReader, pieces: Iterable[bytes]) -> Outcome:
    messages = [message for piece in pieces for message in reader.feed(piece)]
    if reader.error is None:
        return Outcome(messages)
    return Outcome(messages, reader.error.code, reader.error.reason)


def bytewise(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def read(data: bytes, max_size: int = MAX_SIZE, *, deflated: bool = False) -> Outcome:
    """Read bytes, which come to the same in one piece and one by one."""
    whole = read_pieces(new_reader(max_size, deflated=deflated), [data])
    pieces = read_pieces(new_reader(max_size, deflated=deflated), bytewise(data))
    assert comparable(pieces, deflated=deflated) == comparable(whole, deflated=deflated)
    return whole


def comparable(outcome: Outcome, *, deflated: bool) -> Outcome:
    """Leave out what pieces may change: which of two errors in one piece is met first.

    A piece is expanded before it is decoded, so text that stops being UTF-8, and then being
    deflate, fails for the one or the other reason.
    """
    return outcome._replace(reason="") if deflated else outcome


# Frames


@pytest.mark.parametrize(
    ("opcode", "payload", "message"),
    [
        (TEXT, b"", (TEXT, "")),
        (TEXT, b"hello", (TEXT, "hello")),
        (TEXT, "ö€😀\0\ufeff\uffff".encode(), (TEXT, "ö€😀\0\ufeff\uffff")),
        (BINARY, b"", (BINARY, b"")),
        (BINARY, b"\x00\xff\x80", (BINARY, b"\x00\xff\x80")),
        (PING, b"", (PING, b"")),
        (PING, b"\xff\xfe", (PING, b"\xff\xfe")),
        (PONG, b"", (PONG, b"")),
        (PONG, b"x" * 125, (PONG, b"x" * 125)),
        (CLOSE, b"", (CLOSE, (NO_STATUS, ""))),
        (CLOSE, b"\x03\xe8", (CLOSE, (1000, ""))),
        (CLOSE, b"\x0f\xa0bye \xe2\x82\xac", (CLOSE, (4000, "bye €"))),
        (CLOSE, b"\x03\xe8" + b"x" * 123, (CLOSE, (1000, "x" * 123))),
    ],
)
def test_a_frame_is_a_message(opcode: int, payload: bytes, message: Message) -> None:
    """Text as str, the others as bytes, a close as its code and reason."""
    assert read(frame(opcode, payload)) == Outcome([message])


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", BOUNDARIES)
def test_each_form_of_length_is_read_wherever_it_is_cut(opcode: int, size: int) -> None:
    """Seven, sixteen and sixty-four bits, RFC 6455 section 5.2."""
    payload = bytes(itertools.islice(itertools.cycle(b"abcdefg"), size))
    data = frame(opcode, payload) + frame(TEXT, b"hello")
    expected = [(opcode, payload.decode() if opcode == TEXT else payload), HELLO]
    for cut in {*range(17), len(data) - 12, len(data) - 11, len(data) - 10}:
        pieces = data[:cut], data[cut:]
        assert read_pieces(new_reader(size + 10), pieces) == Outcome(expected), cut


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_mask_goes_on_from_piece_to_piece(key: bytes, opcode: int) -> None:
    """Each byte has its own of the four keys, RFC 6455 section 5.3, in whatever pieces it comes."""
    payload = b"0123456789abc"
    data = frame(opcode, payload, key=key)
    expected = Outcome([(opcode, payload.decode() if opcode == TEXT else payload)])
    for first, second in itertools.combinations(range(len(data) + 1), 2):
        pieces = data[:first], data[first:second], data[second:]
        assert read_pieces(new_reader(), pieces) == expected


def test_each_frame_has_a_mask_of_its_own() -> None:
    """Masks of clients are never the same twice."""
    data = frame(TEXT, b"he", fin=False, key=b"abcd") + frame(PING, b"p", key=b"efgh")
    data += frame(CONTINUATION, b"llo", key=b"ijkl") + frame(TEXT, b"hello", key=b"mnop")
    assert read(data) == Outcome([(PING, b"p"), HELLO, HELLO])


def test_tornado_unmasks() -> None:
    """What a server uses: the C function, here on all that reaches it."""
    reader = FrameReader(_websocket_mask, max_size=MAX_SIZE)
    data = frame(TEXT, b"hello") + frame(PING) + fragments(BINARY, b"a" * 5, b"", b"b" * 6)
    messages = [HELLO, (PING, b""), (BINARY, b"aaaaabbbbbb")]
    assert read_pieces(reader, [data, *bytewise(data)]) == Outcome(messages * 2)


def test_nothing_fed_is_nothing_read() -> None:
    """Also in the middle of a head, and of a payload."""
    reader = new_reader()
    data = frame(TEXT, b"hello")
    pieces = [b"", data[:1], b"", data[1:4], b"", data[4:7], b"", data[7:], b""]
    assert read_pieces(reader, pieces) == Outcome([HELLO])


def test_what_came_before_an_error_is_good() -> None:
    """The messages of the same piece are returned."""
    data = frame(TEXT, b"hello") + frame(PING, b"p") + frame(0x3)
    assert read(data) == Outcome([HELLO, (PING, b"p")], 1002, "a reserved opcode")


# Refused by the head of a frame

ALL_OPCODES = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]


@pytest.mark.parametrize("opcode", ALL_OPCODES)
@pytest.mark.parametrize("length", [0, 1, 125, 126, 127])
def test_a_frame_without_mask_is_refused(opcode: int, length: int) -> None:
    """Clients mask, RFC 6455 section 5.1; two bytes tell."""
    outcome = read(bytes((0x80 | opcode, length)))
    assert outcome == Outcome([], 1002, "a frame without mask")


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("fin", [False, True])
@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_a_reserved_opcode_is_refused(opcode: int, fin: bool, deflated: bool) -> None:
    """RFC 6455 section 5.2; two bytes tell."""
    outcome = read(frame(opcode, fin=fin)[:2], deflated=deflated)
    assert outcome == Outcome([], 1002, "a reserved opcode")


@pytest.mark.parametrize("reserved", range(0x10, 0x80, 0x10))
@pytest.mark.parametrize("opcode", ALL_OPCODES)
def test_a_reserved_bit_is_refused(opcode: int, reserved: int) -> None:
    """Nothing was agreed on, RFC 6455 section 5.2; two bytes tell."""
    outcome = read(frame(opcode, reserved=reserved)[:2])
    assert outcome == Outcome([], 1002, "a reserved bit")


@pytest.mark.parametrize(
    ("opcode", "reserved"),
    [
        *itertools.product([TEXT, BINARY], [RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3]),
        *itertools.product([CLOSE, PING, PONG], [RSV1, RSV2, RSV3]),
    ],
)
def test_compression_allows_one_bit_on_one_kind_of_frame(opcode: int, reserved: int) -> None:
    """Control frames are never compressed, RFC 7692 section 6."""
    outcome = read(frame(opcode, reserved=reserved)[:2], deflated=True)
    assert outcome == Outcome([], 1002, "a reserved bit")


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
@pytest.mark.parametrize("length", [126, 127, 65535, 65536])
def test_a_control_frame_of_more_than_125_bytes_is_refused(opcode: int, length: int) -> None:
    """RFC 6455 section 5.5; two bytes tell."""
    outcome = read(head(0x80 | opcode, length)[:2])
    assert outcome == Outcome([], 1002, "a control frame of more than 125 bytes")


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_control_frame_in_fragments_is_refused(opcode: int) -> None:
    """RFC 6455 section 5.5; two bytes tell."""
    outcome = read(frame(opcode, fin=False)[:2])
    assert outcome == Outcome([], 1002, "a control frame in fragments")


@pytest.mark.parametrize("length", [1 << 63, (1 << 63) + 5, (1 << 64) - 1])
def test_a_length_of_64_bits_is_refused(length: int) -> None:
    """The highest bit is zero, RFC 6455 section 5.2, whatever the limit."""
    outcome = read(head(0x82, length)[:10], 1 << 64)
    assert outcome == Outcome([], 1002, "a length with its highest bit set")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(
    ("form", "size"), [("!BBH", 0), ("!BBH", 125), ("!BBQ", 0), ("!BBQ", 125), ("!BBQ", 65535)]
)
def test_a_length_in_more_bytes_than_it_needs_is_refused(form: str, size: int, opcode: int) -> None:
    """The shortest form is demanded, RFC 6455 section 5.2."""
    second = 0xFE if form == "!BBH" else 0xFF
    data = struct.pack(form, 0x80 | opcode, second, size) + KEY + xor(KEY, b"x" * size)
    assert read_pieces(new_reader(1 << 20), [data]).code == 1002
    assert read_pieces(new_reader(1 << 20), bytewise(data[:20])).code == 1002


# Fragments


@pytest.mark.parametrize(
    "payloads",
    [
        (b"hello", b""),
        (b"", b"hello"),
        (b"", b"", b"hello", b"", b""),
        (b"hel", b"lo"),
        (b"h", b"e", b"l", b"l", b"o"),
    ],
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_fragments_are_one_message(opcode: int, payloads: tuple[bytes, ...]) -> None:
    """However many, and empty ones too, RFC 6455 section 5.4."""
    message: Message = HELLO if opcode == TEXT else (BINARY, b"hello")
    data = fragments(opcode, *payloads) + frame(TEXT, b"hello")
    assert read(data) == Outcome([message, HELLO])


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_fragments_may_all_be_empty(opcode: int) -> None:
    """So is the message."""
    empty = "" if opcode == TEXT else b""
    assert read(fragments(opcode, b"", b"", b"")) == Outcome([(opcode, empty)])


def test_a_character_may_be_cut_by_fragments() -> None:
    """Only the message is UTF-8, RFC 6455 section 5.6; a ping in between changes nothing."""
    data = b"".join(
        frame(CONTINUATION if index else TEXT, byte, fin=index == 3) + frame(PING, byte)
        for index, byte in enumerate(bytewise("😀".encode()))
    )
    pings: list[Message] = [(PING, byte) for byte in bytewise("😀".encode())]
    assert read(data) == Outcome([*pings[:3], (TEXT, "😀"), pings[3]])


def test_control_frames_between_fragments_come_first() -> None:
    """In the order in which they came, RFC 6455 section 5.5."""
    first, second = frame(TEXT, b"hel", fin=False), frame(CONTINUATION, b"lo")
    data = first + frame(PING, b"1") + frame(PONG, b"2") + second + frame(PING, b"3")
    assert read(data) == Outcome([(PING, b"1"), (PONG, b"2"), HELLO, (PING, b"3")])


def test_a_close_between_fragments_ends_it() -> None:
    """The message before it remains a fragment."""
    data = frame(TEXT, b"hel", fin=False) + frame(CLOSE, b"\x03\xe9") + frame(CONTINUATION, b"lo")
    assert read(data) == Outcome([(CLOSE, (1001, ""))])


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("second", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [False, True])
def test_a_message_inside_another_one_is_refused(opcode: int, second: int, fin: bool) -> None:
    """RFC 6455 section 5.4, also when the second one is a whole one."""
    data = frame(opcode, b"hel", fin=False) + frame(second, b"hello", fin=fin)
    assert read(data) == Outcome([], 1002, "a message inside another one")


@pytest.mark.parametrize("before", [b"", frame(TEXT, b"hello"), fragments(TEXT, b"hel", b"lo")])
@pytest.mark.parametrize("fin", [False, True])
def test_a_continuation_of_nothing_is_refused(before: bytes, fin: bool) -> None:
    """At the beginning, and behind a message that is complete."""
    outcome = read(before + frame(CONTINUATION, b"x", fin=fin))
    assert outcome == Outcome([HELLO] if before else [], 1002, "a continuation of nothing")


def test_pending_is_what_an_incomplete_message_has() -> None:
    """Nothing before it, between its fragments all of them, nothing behind it."""
    reader = new_reader()
    seen = []
    for data in [b"", *bytewise(frame(PING, b"x")), frame(TEXT, b"hel", fin=False)]:
        reader.feed(data)
        seen.append(reader.pending)
    assert seen == [0] * (len(seen) - 1) + [3]
    reader.feed(frame(PING, b"x") + frame(CONTINUATION, b"lo", fin=False))
    assert reader.pending == 5
    assert reader.feed(frame(CONTINUATION)) == [HELLO]
    assert reader.pending == 0


# UTF-8

# Sequences that no character begins with, RFC 3629 section 4; the last byte tells. (Of a surrogate
# the second one does, but Python's decoder waits for the third.)
NOT_UTF8 = [
    *(bytes((lead,)) for lead in (0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xF8, 0xFE, 0xFF)),
    *map(bytes.fromhex, ["c27f", "c2c0", "df00", "e09f", "e07f", "eda080", "edbfbf"]),
    *map(bytes.fromhex, ["f08f", "f17f", "f490", "f4bf", "e28228", "e282c0", "f09f9828"]),
]


@pytest.mark.parametrize("wrong", NOT_UTF8, ids=bytes.hex)
@pytest.mark.parametrize("before", ["", "ok", "ö"])
def test_text_fails_at_the_first_byte_that_is_not_utf8(wrong: bytes, before: str) -> None:
    """In the middle of a frame, not a byte earlier or later."""
    reader = new_reader()
    good = head(0x81, 100) + xor(KEY, before.encode() + wrong)
    assert read_pieces(reader, [good[:-1]]) == Outcome([])
    assert read_pieces(reader, [good[-1:]]) == Outcome([], 1007, "text that is not UTF-8")


@pytest.mark.parametrize("wrong", NOT_UTF8, ids=bytes.hex)
@pytest.mark.parametrize("size", [0, 200])
def test_text_that_is_not_utf8_is_refused(wrong: bytes, size: int) -> None:
    """Whole, in fragments, and with what follows."""
    payload = b"x" * size + wrong
    refused = Outcome([], 1007, "text that is not UTF-8")
    assert read(frame(TEXT, payload)) == refused
    assert read(frame(TEXT, payload + b"behind it" * 5)) == refused
    assert read(fragments(TEXT, *bytewise(payload[-5:]), b"")) == refused
    assert read(fragments(TEXT, *bytewise(payload[-5:]), b"")[:-6]) == refused


@pytest.mark.parametrize("character", ["ö", "€", "😀"])
def test_text_that_ends_within_a_character_is_refused(character: str) -> None:
    """In one frame and in fragments, but only where the message ends."""
    for size in range(1, len(character.encode())):
        payload = b"hello" + character.encode()[:size]
        refused = Outcome([], 1007, "text that is not UTF-8")
        assert read(frame(TEXT, payload)) == refused
        assert read(fragments(TEXT, payload, b"")) == refused
        assert read(frame(TEXT, payload, fin=False)) == Outcome([])


def test_binary_messages_are_any_bytes() -> None:
    """Only text is UTF-8."""
    payload = bytes(range(256))
    assert read(frame(BINARY, payload)) == Outcome([(BINARY, payload)])


# The end


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"\x03", 1002, "half a close code"),
        (b"\x03\xed", 1002, "the close code 1005"),
        (b"\x03\xee", 1002, "the close code 1006"),
        (b"\x00\x00why", 1002, "the close code 0"),
        (b"\xff\xff", 1002, "the close code 65535"),
        (b"\x03\xe8\xff", 1007, "text that is not UTF-8"),
        (b"\x03\xe8\xe2\x82", 1007, "text that is not UTF-8"),
    ],
)
def test_a_bad_close_payload_is_refused(payload: bytes, code: int, reason: str) -> None:
    """RFC 6455 sections 5.5.1 and 7.4."""
    assert read(frame(CLOSE, payload)) == Outcome([], code, reason)


def test_nothing_is_read_behind_a_close() -> None:
    """Neither of the same piece nor of later ones, and nothing of it is an error."""
    reader = new_reader()
    assert reader.feed(frame(CLOSE) + frame(TEXT, b"hello")) == [(CLOSE, (NO_STATUS, ""))]
    for later in (frame(TEXT, b"hello"), frame(CLOSE), b"\xff" * 50, b"\x81", b"\x00"):
        assert reader.feed(later) == []
        assert reader.error is None


@pytest.mark.parametrize(
    "wrong",
    [
        frame(0x3),
        frame(TEXT, b"\xff"),
        frame(BINARY, b"x" * (MAX_SIZE + 1)),
        frame(CLOSE, b"\x00"),
        frame(TEXT, b"x", fin=False) + frame(TEXT),
        head(0x81, 50) + xor(KEY, b"\xff"),
    ],
)
def test_nothing_is_read_behind_an_error(wrong: bytes) -> None:
    """The first error remains, and no message follows it."""
    reader = new_reader()
    assert reader.feed(wrong + frame(TEXT, b"hello")) == []
    error = reader.error
    assert error is not None
    for later in (frame(TEXT, b"hello"), frame(CONTINUATION, b"x"), frame(CLOSE), b"\xff" * 50):
        assert reader.feed(later) == []
        assert reader.error is error


# Limits


@pytest.mark.parametrize("max_size", [1, 124, 125, 126, 127, 65534, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_may_have_the_size_of_the_limit(opcode: int, max_size: int) -> None:
    """One byte more is refused as soon as the length is there, before mask and payload."""
    for size in (max_size - 1, max_size):
        ((_, payload),) = new_reader(max_size).feed(frame(opcode, b"x" * size))
        assert len(payload) == size
    reader = new_reader(max_size)
    announced = head(0x80 | opcode, max_size + 1, key=b"")
    assert read_pieces(reader, [announced[:-1]]) == Outcome([])
    too_big = Outcome([], 1009, f"a message of more than {max_size} bytes")
    assert read_pieces(reader, [announced[-1:]]) == too_big
    assert read_pieces(new_reader(max_size), [frame(opcode, b"x" * (max_size + 1))]) == too_big


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_limit_is_of_all_fragments(opcode: int) -> None:
    """Control frames do not count, the next message begins at nothing."""
    ten = frame(opcode, b"xxxx", fin=False) + frame(PING, b"x" * 50)
    ten += frame(CONTINUATION, b"x" * 5, fin=False)
    full, empty = frame(CONTINUATION, b"x"), frame(CONTINUATION)
    message: Message = (opcode, "x" * 10 if opcode == TEXT else b"x" * 10)
    ping: Message = (PING, b"x" * 50)
    assert read(ten + full + ten + full, 10) == Outcome([ping, message] * 2)
    assert read(ten + frame(CONTINUATION, b"x", fin=False) + empty, 10).messages == [ping, message]
    too_big = Outcome([ping], 1009, "a message of more than 10 bytes")
    assert read(ten + head(0x80, 2, key=b""), 10) == too_big


def test_control_frames_are_not_limited() -> None:
    """Their limit is their own."""
    data = frame(PING, b"x" * 125) + frame(CLOSE, b"\x03\xe8" + b"x" * 123)
    assert read(data, 1) == Outcome([(PING, b"x" * 125), (CLOSE, (1000, "x" * 123))])


@pytest.mark.parametrize("fin", [False, True])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_head_that_announces_much_reserves_nothing(opcode: int, fin: bool) -> None:
    """Memory is what came, not what is said to come."""
    reader = FrameReader(_websocket_mask, max_size=1 << 50)
    data = head((0x80 if fin else 0) | opcode, 1 << 50) + xor(KEY, b"x" * 100)
    tracemalloc.start()
    try:
        reader.feed(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 14
    finally:
        tracemalloc.stop()
    assert reader.error is None


@pytest.mark.parametrize(("opcode", "piece"), [(BINARY, b"x"), (BINARY, b"xy"), (TEXT, b"\xc3")])
def test_small_fragments_take_no_more_memory_than_their_message(opcode: int, piece: bytes) -> None:
    """The limit of a message is one of memory, however the message is cut."""
    count, max_size = 10_000, 30_000
    pieces = [piece, b"\xb6"] if opcode == TEXT else [piece]
    data = b"".join(frame(CONTINUATION, piece, fin=False) for piece in pieces) * count
    reader = FrameReader(_websocket_mask, max_size=max_size)
    reader.feed(frame(opcode, fin=False))
    tracemalloc.start()
    try:
        reader.feed(data)
        assert tracemalloc.get_traced_memory()[0] < 4 * max_size
    finally:
        tracemalloc.stop()
    assert reader.error is None
    assert reader.pending == count * sum(map(len, pieces))


# Compression


@pytest.mark.parametrize("text", ["", "hello", "ö€😀" * 100, "x" * MAX_SIZE])
def test_compressed_messages_are_expanded(text: str) -> None:
    """In one frame, in fragments of which only the first is marked, and plain ones between."""
    data = deflate(text.encode())
    sent = frame(TEXT, data, reserved=RSV1) + frame(TEXT, b"hello")
    sent += frame(BINARY, data[:1], fin=False, reserved=RSV1) + frame(PING, b"p")
    sent += frame(CONTINUATION, data[1:], fin=False) + frame(CONTINUATION)
    sent += fragments(TEXT, b"hel", b"lo")
    expected = [(TEXT, text), HELLO, (PING, b"p"), (BINARY, text.encode()), HELLO]
    assert read(sent, 1200, deflated=True) == Outcome(expected)


def test_a_continuation_is_not_marked() -> None:
    """Only the first frame of a message says that it is compressed, RFC 7692 section 6."""
    data = deflate(b"hello")
    sent = frame(TEXT, data[:2], fin=False, reserved=RSV1)
    sent += frame(CONTINUATION, data[2:], reserved=RSV1)
    assert read(sent, deflated=True) == Outcome([], 1002, "a reserved bit")


def test_expanded_text_fails_at_the_first_byte_that_is_not_utf8() -> None:
    """In the middle of a frame."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    wrong = compressor.compress(b"\xff") + compressor.flush(zlib.Z_SYNC_FLUSH)
    data = head(0xC1, 100) + xor(KEY, wrong)
    outcome = read(data, deflated=True)
    assert outcome == Outcome([], 1007, "text that is not UTF-8")


def test_expanded_text_ends_with_a_character() -> None:
    """Half a one at the end is no UTF-8."""
    data = frame(TEXT, deflate("€".encode()[:2]), reserved=RSV1)
    assert read(data, deflated=True) == Outcome([], 1007, "text that is not UTF-8")


def test_the_limit_is_of_what_is_sent_and_of_what_it_expands_to() -> None:
    """At the limit it is a message; a byte more, in one frame or in several, is too big."""
    full = frame(BINARY, deflate(b"x" * 100), reserved=RSV1)
    assert read(full * 2, 100, deflated=True) == Outcome([(BINARY, b"x" * 100)] * 2)
    too_big = Outcome([], 1009, "a message of more than 100 bytes")
    bomb = deflate(b"x" * 101)
    assert len(bomb) < 100
    assert read(frame(BINARY, bomb, reserved=RSV1), 100, deflated=True) == too_big
    pieces = frame(BINARY, bomb[:2], fin=False, reserved=RSV1) + frame(CONTINUATION, bomb[2:])
    assert read(pieces, 100, deflated=True) == too_big
    # Stored blocks: it grows when compressed.
    noise = zlib.compressobj(0, wbits=-zlib.MAX_WBITS)
    sent = (noise.compress(b"x" * 99) + noise.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(sent) > 100
    assert read(frame(BINARY, sent, reserved=RSV1), 100, deflated=True) == too_big


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    """A hundred megabytes in a hundred kilobytes."""
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(100)) + compressor.flush()
    reader = FrameReader(_websocket_mask, max_size=1 << 18, inflater=Inflated())
    data = head(0xC2, len(bomb)) + _websocket_mask(KEY, bomb)
    tracemalloc.start()
    try:
        assert read_pieces(reader, [data]).code == 1009
        assert tracemalloc.get_traced_memory()[1] < 1 << 21
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [b"\xff" * 10, b"\x07"], ids=bytes.hex)
def test_what_cannot_be_expanded_is_refused(data: bytes) -> None:
    """The error is the inflater's."""
    outcome = read(frame(BINARY, data, reserved=RSV1), deflated=True)
    assert outcome == Outcome([], 1007, "what cannot be expanded")


# Any bytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEYS = st.binary(min_size=4, max_size=4)
CONTROL = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=20))
CODES = st.sampled_from([1000, 1001, 1011, 3000, 4999])


class Conversation(NamedTuple):
    """What a client sends, and what it means."""

    sent: bytes
    messages: list[Message]


@st.composite
def fragmented(draw: st.DrawFn, payload: bytes) -> list[bytes]:
    """Cut a payload into fragments, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    return [payload[a:b] for a, b in itertools.pairwise([0, *cuts, len(payload)])]


@st.composite
def conversations(draw: st.DrawFn, *, deflated: bool = False) -> Conversation:
    """Make frames that keep to all rules: masked, in fragments, with control frames between."""
    sent = b""
    messages: list[Message] = []
    for message in draw(st.lists(TEXTS | st.binary(max_size=40), max_size=3)):
        opcode = TEXT if isinstance(message, str) else BINARY
        payload = message.encode() if isinstance(message, str) else message
        compressed = deflated and draw(st.booleans())
        pieces = draw(fragmented(deflate(payload) if compressed else payload))
        for index, piece in enumerate(pieces):
            for control, content in draw(st.lists(CONTROL, max_size=1)):
                sent += frame(control, content, key=draw(KEYS))
                messages.append((control, content))
            sent += frame(
                CONTINUATION if index else opcode,
                piece,
                fin=index == len(pieces) - 1,
                reserved=RSV1 if compressed and not index else 0,
                key=draw(KEYS),
            )
        messages.append((opcode, message))
    if draw(st.booleans()):
        code, reason = draw(CODES), draw(TEXTS)[:30]
        sent += frame(CLOSE, struct.pack("!H", code) + reason.encode(), key=draw(KEYS))
        messages.append((CLOSE, (code, reason)))
        sent += draw(st.binary(max_size=10))
    return Conversation(sent, messages)


@st.composite
def mutations(draw: st.DrawFn, *, deflated: bool = False) -> tuple[Conversation, int, bytes]:
    """Change one byte of a conversation; also return where, and what becomes of it."""
    conversation = draw(conversations(deflated=deflated).filter(lambda made: bool(made.sent)))
    index = draw(st.integers(0, len(conversation.sent) - 1))
    changed = bytearray(conversation.sent)
    changed[index] ^= draw(st.integers(1, 255))
    return conversation, index, bytes(changed)


@st.composite
def odd_frames(draw: st.DrawFn) -> bytes:
    """Make a frame of any head, with any payload."""
    first, form = draw(st.integers(0, 255)), draw(st.integers(0, 255))
    payload = draw(st.binary(max_size=20))
    size = draw(st.just(len(payload)) | st.integers(0, (1 << 64) - 1))
    extended = {126: struct.pack("!H", size & 0xFFFF), 127: struct.pack("!Q", size)}
    length = extended.get(form & 0x7F, b"")
    return bytes((first, form)) + length + KEY + payload


CHANGED = mutations().map(lambda mutation: mutation[2])
FRAMES = st.builds(
    frame,
    st.sampled_from(ALL_OPCODES),
    st.binary(max_size=20),
    fin=st.booleans(),
    reserved=st.sampled_from([0, RSV1]),
)
ANY_BYTES = st.lists(
    st.binary(max_size=20) | FRAMES | odd_frames() | conversations().map(lambda made: made.sent),
    max_size=4,
).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=8)


def read_in_any_pieces(data: bytes, cuts: list[int], *, deflated: bool) -> Outcome:
    """Read bytes whole, one by one and cut at some places, which comes to the same."""
    places = sorted({min(cut, len(data)) for cut in cuts})
    pieces = [data[a:b] for a, b in itertools.pairwise([0, *places, len(data)])]
    # No limit for what expands: its error may compete with the others.
    max_size = 1 << 24 if deflated else MAX_SIZE
    outcome = comparable(read(data, max_size, deflated=deflated), deflated=deflated)
    cut = read_pieces(new_reader(max_size, deflated=deflated), pieces)
    assert comparable(cut, deflated=deflated) == outcome
    assert outcome.code in {None, 1002, 1007, 1009}
    return outcome


@given(ANY_BYTES, CUTS, st.booleans())
def test_any_bytes_in_any_pieces_come_to_the_same(
    data: bytes, cuts: list[int], deflated: bool
) -> None:
    """The same messages and the same error, and never an exception."""
    read_in_any_pieces(data, cuts, deflated=deflated)


@given(st.booleans().flatmap(lambda d: st.tuples(st.just(d), conversations(deflated=d))), CUTS)
def test_what_keeps_to_the_rules_is_read_as_it_was_meant(
    made: tuple[bool, Conversation], cuts: list[int]
) -> None:
    """In any pieces."""
    deflated, conversation = made
    outcome = read_in_any_pieces(conversation.sent, cuts, deflated=deflated)
    assert outcome == Outcome(conversation.messages)


@given(st.booleans().flatmap(lambda d: st.tuples(st.just(d), mutations(deflated=d))), CUTS)
def test_a_changed_byte_changes_nothing_before_it(
    made: tuple[bool, tuple[Conversation, int, bytes]], cuts: list[int]
) -> None:
    """What was complete is read; then come other messages, or an error."""
    deflated, (conversation, index, changed) = made
    outcome = read_in_any_pieces(changed, cuts, deflated=deflated)
    before = read(changed[:index], deflated=deflated).messages
    assert before == conversation.messages[: len(before)]
    assert before == outcome.messages[: len(before)]


# Another implementation


class Reference(NamedTuple):
    """What another implementation makes of some bytes."""

    messages: list[Message]
    failed: bool


def read_by_reference(data: bytes) -> Reference:
    """Read as `websockets` does, which gives fragments: joining and decoding is done here."""
    server = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_SIZE)
    server.receive_data(data)
    messages: list[Message] = []
    opcode, parts = 0, b""
    for event in server.events_received():
        assert isinstance(event, ReferenceFrame)
        payload = bytes(event.data)
        if event.opcode == CLOSE:
            break
        if event.opcode in (PING, PONG):
            messages.append((int(event.opcode), payload))
            continue
        opcode, parts = int(event.opcode) or opcode, parts + payload
        try:
            text = codecs.utf_8_decode(parts, "strict", event.fin)[0] if opcode == TEXT else ""
        except UnicodeDecodeError:
            return Reference(messages, failed=True)
        if event.fin:
            messages.append((opcode, text if opcode == TEXT else parts))
            opcode, parts = 0, b""
    # It refuses a close between fragments, which RFC 6455 section 5.4 allows.
    closed = server.close_rcvd
    if isinstance(closed, ReferenceClose):
        return Reference([*messages, (CLOSE, (closed.code, closed.reason))], failed=False)
    return Reference(messages, failed=server.parser_exc is not None)


@given(ANY_BYTES | CHANGED)
def test_another_implementation_takes_and_refuses_the_same(data: bytes) -> None:
    """The same messages and the same verdict, which what follows always brings about.

    A ping is read unless a frame before it was refused, or is incomplete; zeros complete any frame
    within the limit, and are then none themselves.
    """
    data = data[:800]  # its limit is of control frames too: they have to fit behind a message
    data += frame(PING, b"still there") + bytes(MAX_SIZE + 20)
    reference = read_by_reference(data)
    outcome = read_pieces(new_reader(), [data])
    assume("more bytes than it needs" not in outcome.reason)  # the other one takes those
    assert outcome.messages == reference.messages
    assert (outcome.code is not None) == reference.failed
