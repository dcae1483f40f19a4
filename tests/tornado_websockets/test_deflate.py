"""permessage-deflate: what is agreed on, and messages both ways, with independent peers."""

from __future__ import annotations

import itertools
import random
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame, Opcode
from websockets.headers import build_extension, parse_extension

from tornado_websockets.deflate import (
    MAX_STREAMS,
    Agreed,
    Compression,
    Inflater,
    deflate,
    negotiate,
)
from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.framereader import FrameReader
from tornado_websockets.frames import TEXT

MIB = 1 << 20
TAIL = b"\x00\x00\xff\xff"
ANSWER = "permessage-deflate; server_no_context_takeover"


def agreed(*, client_bits: int = 15, no_takeover: bool = False) -> Agreed:
    return Agreed(
        header="",
        window_bits=15,
        client_window_bits=client_bits,
        client_no_context_takeover=no_takeover,
    )


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def expand(inflater: Inflater, data: bytes, *, size: int = MIB, max_size: int = MIB) -> bytes:
    """Give a message to an inflater in pieces."""
    expanded = b"".join(inflater.inflate(piece, max_size) for piece in pieces(data, size))
    return expanded + inflater.finish(max_size)


def compressed(*chunks: bytes, bits: int = 15, flush: int = zlib.Z_SYNC_FLUSH) -> Iterator[bytes]:
    """Compress messages as a client does that takes its context over."""
    client = zlib.compressobj(wbits=-bits)
    for chunk in chunks:
        yield (client.compress(chunk) + client.flush(flush)).removesuffix(TAIL)


# What is agreed on.


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", ANSWER),
        (" permessage-deflate ", ANSWER),
        ("permessage-deflate; server_no_context_takeover", ANSWER),
        (
            "permessage-deflate; client_no_context_takeover",
            f"{ANSWER}; client_no_context_takeover",
        ),
        ("permessage-deflate; server_max_window_bits=10", f"{ANSWER}; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=15", f"{ANSWER}; server_max_window_bits=15"),
        ('permessage-deflate;server_max_window_bits="9"', f"{ANSWER}; server_max_window_bits=9"),
        (
            'permessage-deflate; server_max_window_bits = "1\\0"',
            f"{ANSWER}; server_max_window_bits=10",
        ),
        ("permessage-deflate; client_max_window_bits", f"{ANSWER}; client_max_window_bits=15"),
        ("permessage-deflate; client_max_window_bits=8", f"{ANSWER}; client_max_window_bits=8"),
        (
            "permessage-deflate; client_max_window_bits=11; server_max_window_bits=12"
            "; client_no_context_takeover; server_no_context_takeover",
            f"{ANSWER}; server_max_window_bits=12; client_no_context_takeover"
            "; client_max_window_bits=11",
        ),
        # The first offer that can be accepted.
        ("x-webkit-deflate-frame, permessage-deflate", ANSWER),
        (",, \t,permessage-deflate,", ANSWER),
        ("permessage-deflate; mux=4, permessage-deflate", ANSWER),
        (
            "permessage-deflate; server_max_window_bits=8"
            ", permessage-deflate; server_max_window_bits=9, permessage-deflate",
            f"{ANSWER}; server_max_window_bits=9",
        ),
    ],
)
def test_the_first_good_offer_is_answered(offer: str, answer: str) -> None:
    """Each parameter is answered as RFC 7692 section 7.1 asks for."""
    accepted = negotiate(offer, Compression())
    assert accepted is not None
    assert accepted.header == answer


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "x-webkit-deflate-frame",
        "Permessage-Deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=1_0",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=015",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    ],
)
def test_an_offer_that_breaks_a_rule_is_declined(offer: str) -> None:
    """RFC 7692 section 7: the connection goes on without compression."""
    assert negotiate(offer, Compression()) is None


@pytest.mark.parametrize(
    "header",
    [
        "permessage-deflate;",
        "; server_no_context_takeover",
        "permessage deflate",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=9 9",
        'permessage-deflate; server_max_window_bits=""',
        'permessage-deflate; server_max_window_bits="9',
        'permessage-deflate; a="b,c"',
        'permessage-deflate; a="b;c"',
        "permessage-deflate; =9",
        "permessage-deflate; ü",
        "permessage-deflate, (",
    ],
)
def test_bad_grammar_fails_the_handshake(header: str) -> None:
    """RFC 6455 section 9.1 leaves no choice, whatever good offers there are."""
    with pytest.raises(ProtocolError, match="in Sec-WebSocket-Extensions, which breaks"):
        negotiate(["permessage-deflate", header], Compression())


def test_several_headers_are_one_list() -> None:
    """RFC 6455 section 9.1 lets the offers stand in several headers."""
    accepted = negotiate(["x-other", "permessage-deflate; client_max_window_bits"], Compression())
    assert accepted is not None
    assert accepted.header == f"{ANSWER}; client_max_window_bits=15"


def test_an_empty_list_of_headers_offers_nothing() -> None:
    """Most clients of an API offer none."""
    assert negotiate([], Compression()) is None


@pytest.mark.parametrize(
    ("offer", "answer", "bits", "client_bits"),
    [
        ("", "; server_max_window_bits=11", 11, 15),
        ("; server_max_window_bits=10", "; server_max_window_bits=10", 10, 15),
        ("; server_max_window_bits=12", "; server_max_window_bits=11", 11, 15),
        (
            "; client_max_window_bits",
            "; server_max_window_bits=11; client_max_window_bits=11",
            11,
            11,
        ),
        (
            "; client_max_window_bits=9",
            "; server_max_window_bits=11; client_max_window_bits=9",
            11,
            9,
        ),
        (
            "; client_max_window_bits=14",
            "; server_max_window_bits=11; client_max_window_bits=11",
            11,
            11,
        ),
    ],
)
def test_the_smaller_window_wins(offer: str, answer: str, bits: int, client_bits: int) -> None:
    """A client that has not offered to use less may use 15 bits, RFC 7692 section 7.1.2.2."""
    accepted = negotiate(f"permessage-deflate{offer}", Compression(window_bits=11))
    assert accepted == Agreed(
        header=ANSWER + answer,
        window_bits=bits,
        client_window_bits=client_bits,
        client_no_context_takeover=False,
    )


@given(st.text('permessage-deflate;,= \t"\\client_max_window_bits=915', max_size=60))
def test_any_header_is_answered_declined_or_refused(header: str) -> None:
    """No header raises an exception of another kind."""
    try:
        accepted = negotiate(f"permessage-deflate;{header}", Compression())
    except ProtocolError as error:
        assert error.code == 1002  # noqa: PT017  most headers raise nothing
    else:
        assert accepted is None or accepted.header.startswith(ANSWER)


# Messages of the server.


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("size", [0, 1, 127, 5000, 100_000])
def test_zlib_expands_what_is_compressed(bits: int, size: int, level: int) -> None:
    """Every window, every kind of block."""
    payload = random.Random(size).randbytes(size // 2) + b"ab" * (size - size // 2)
    data = deflate(payload, bits, Compression(level=level))
    assert not data.endswith(TAIL)
    assert zlib.decompressobj(-bits).decompress(data + TAIL) == payload


@given(st.lists(st.binary(max_size=300) | st.sampled_from([b"one text " * 9, b"another " * 99])))
def test_each_message_stands_for_itself(payloads: list[bytes]) -> None:
    """What was compressed before leaves no trace: all clients can have the same bytes."""
    for payload in payloads:
        data = deflate(payload, 15, Compression())
        fresh = zlib.compressobj(wbits=-15)
        expected = fresh.compress(payload) + fresh.flush(zlib.Z_FULL_FLUSH)
        assert data == expected.removesuffix(TAIL)


@pytest.mark.parametrize("option", ["level", "mem_level", "window_bits"])
def test_more_effort_makes_less(option: str) -> None:
    """The options reach zlib."""
    words = random.Random(1).choices(["order", "price", "user", "message", "hello"], k=9000)
    payload = " ".join(f"{word}{number % 97}" for number, word in enumerate(words)).encode()
    low = Compression(**{option: 9 if option == "window_bits" else 1})
    high = Compression(**{option: 15 if option == "window_bits" else 9})
    sizes = [len(deflate(payload, chosen.window_bits, chosen)) for chosen in (low, high)]
    assert sizes[0] > sizes[1] * 1.02


def test_threads_compress_at_once() -> None:
    """Messages of different threads never mix."""
    payloads = [f"{number} ".encode() * 5000 for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda payload: deflate(payload, 15, Compression()), payloads))
    for payload, data in zip(payloads, results, strict=True):
        assert zlib.decompressobj(-15).decompress(data + TAIL) == payload


# Messages of the client.


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["f248cdc9c90700"], [b"Hello"]),
        (["f248cdc9c90700", "f200110000"], [b"Hello", b"Hello"]),
        (["000500faff48656c6c6f00"], [b"Hello"]),
        (["f348cdc9c9070000"], [b"Hello"]),
        (["f348cdc9c9070000", "f248cdc9c90700"], [b"Hello", b"Hello"]),
        (["f348cdc9c90700f348cdc9c9070000"], [b"HelloHello"]),
        (["f24805000000ffffcac9c90700"], [b"Hello"]),
        (["00"], [b""]),
        (["0200", "00", "f248cdc9c90700"], [b"", b"", b"Hello"]),
    ],
)
def test_the_examples_of_the_rfc(messages: list[str], expected: list[bytes], size: int) -> None:
    """RFC 7692 section 7.2.3: windows that are shared, raw, final, several and empty blocks."""
    inflater = Inflater(agreed())
    assert [expand(inflater, bytes.fromhex(text), size=size) for text in messages] == expected


@given(
    payloads=st.lists(st.binary() | st.binary(min_size=1).map(lambda data: data * 3000)),
    size=st.integers(1, 4000),
    bits=st.integers(9, 15),
    no_takeover=st.booleans(),
)
def test_messages_of_zlib_in_any_pieces(
    payloads: list[bytes], size: int, bits: int, no_takeover: bool
) -> None:
    """Every message comes out whole, and with context takeover the next ones too."""
    inflater = Inflater(agreed(client_bits=bits, no_takeover=no_takeover))
    flush = zlib.Z_FULL_FLUSH if no_takeover else zlib.Z_SYNC_FLUSH
    for payload in payloads:
        if no_takeover or payload is payloads[0]:
            client = zlib.compressobj(wbits=-bits)
        data = (client.compress(payload) + client.flush(flush)).removesuffix(TAIL) or b"\x00"
        assert expand(inflater, data, size=size, max_size=10 * MIB) == payload


def test_a_client_of_eight_bits_may_use_nine() -> None:
    """An old zlib uses 9 where 8 are agreed on."""
    payload = random.Random(8).randbytes(400) * 2
    (data,) = compressed(payload, bits=9)
    assert expand(Inflater(agreed(client_bits=8)), data) == payload


def test_no_context_is_kept_that_is_not_taken_over() -> None:
    """A client that refers to its last message after all is refused."""
    first, second = compressed(b"Hello" * 20, b"Hello" * 20)
    inflater = Inflater(agreed(no_takeover=True))
    expand(inflater, first)
    with pytest.raises(ProtocolError, match="1007"):
        expand(inflater, second)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_garbage_is_refused_or_expanded(data: bytes, size: int) -> None:
    """Any bytes, in any pieces, give bytes or a ProtocolError."""
    inflater = Inflater(agreed())
    try:
        assert len(expand(inflater, data, size=size, max_size=1000)) <= 1000
    except ProtocolError as error:
        assert error.code in (1007, 1009)  # noqa: PT017  some of it is deflate


@pytest.mark.parametrize("before", [[], ["f248cdc9c90700"]])
@pytest.mark.parametrize("data", ["", "f348cdc9c90700"])
def test_a_message_without_a_last_block_is_refused(before: list[str], data: str) -> None:
    """Nothing at all, or nothing behind a final block: the next message would be taken for it."""
    inflater = Inflater(agreed())
    for text in before:
        expand(inflater, bytes.fromhex(text))
    with pytest.raises(ProtocolError, match="1007: .* without a last block"):
        expand(inflater, bytes.fromhex(data))


def test_final_blocks_are_limited() -> None:
    """Two bytes each, they would cost a stream of zlib each."""
    final = b"\x03\x00"
    assert expand(Inflater(agreed()), final * MAX_STREAMS + b"\x00") == b""
    with pytest.raises(ProtocolError, match="1007: .* more than 16 final blocks"):
        expand(Inflater(agreed()), final * (MAX_STREAMS + 1) + b"\x00")


def test_final_blocks_are_counted_in_each_message() -> None:
    """A client may send one in every message."""
    inflater = Inflater(agreed())
    for _ in range(MAX_STREAMS + 1):
        assert expand(inflater, bytes.fromhex("f348cdc9c9070000")) == b"Hello"


# Sizes.


@pytest.mark.parametrize("size", [1, 10, MIB])
@pytest.mark.parametrize("length", [1, 1000, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200_000])
def test_the_limit_counts_expanded_bytes(length: int, size: int) -> None:
    """A message of just the limit passes, each time; one of a byte more is refused with 1009."""
    inflater = Inflater(agreed())
    *allowed, refused = compressed(b"x" * length, b"x" * length, b"x" * (length + 1))
    for data in allowed:
        assert expand(inflater, data, size=size, max_size=length) == b"x" * length
    with pytest.raises(ProtocolError, match=f"1009: .* more than {length} bytes"):
        expand(inflater, refused, size=size, max_size=length)


@pytest.mark.parametrize("size", [1, 1000])
def test_bytes_of_all_pieces_count(size: int) -> None:
    """Fragments, each below the limit, do not add up to more."""
    (data,) = compressed(random.Random(3).randbytes(3000))
    with pytest.raises(ProtocolError, match="1009"):
        expand(Inflater(agreed()), data, size=size, max_size=2000)


@pytest.mark.parametrize("size", [1, 100, 64 * 1024])
def test_a_bomb_is_expanded_to_the_limit_at_most(size: int) -> None:
    """A gigabyte of zeros, 1 MiB of it compressed, needs the limit and little more."""
    (chunk,) = compressed(bytes(MIB), flush=zlib.Z_FULL_FLUSH)
    bomb = (chunk + TAIL) * 1024
    inflater = Inflater(agreed())
    expanded: list[bytes] = []
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="1009"):
            expanded.extend(inflater.inflate(piece, MIB) for piece in pieces(bomb, size))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, expanded)) <= MIB
    # Beside it: the piece, what is left of it, a window.
    assert peak < MIB + 3 * size + 128 * 1024


def test_an_idle_connection_holds_nothing_of_zlib() -> None:
    """Before a message, and after it without context takeover."""
    (data,) = compressed(random.Random(5).randbytes(40_000))
    tracemalloc.start()
    try:
        inflaters = [Inflater(agreed(no_takeover=True)) for _ in range(100)]
        for inflater in inflaters:
            expand(inflater, data)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100 * 500


# Peers.


def websockets_client(
    *, bits: int | None, no_takeover: bool, compression: Compression
) -> tuple[PerMessageDeflate, Agreed]:
    """Let the websockets package and this one agree."""
    factory = ClientPerMessageDeflateFactory(
        client_no_context_takeover=no_takeover, server_max_window_bits=bits
    )
    offer = build_extension([(factory.name, list(factory.get_request_params()))])
    accepted = negotiate(offer, compression)
    assert accepted is not None
    ((_, answer),) = parse_extension(accepted.header)
    return factory.process_response_params(answer, []), accepted


@pytest.mark.parametrize("bits", [None, 9, 12, 15])
@pytest.mark.parametrize("own_bits", [9, 15])
@pytest.mark.parametrize("no_takeover", [False, True])
def test_websockets_understands_and_is_understood(
    bits: int | None, own_bits: int, no_takeover: bool
) -> None:
    """An independent implementation as the client, through its handshake and messages both ways."""
    compression = Compression(window_bits=own_bits)
    client, accepted = websockets_client(
        bits=bits, no_takeover=no_takeover, compression=compression
    )
    assert client.remote_no_context_takeover
    assert client.remote_max_window_bits == accepted.window_bits
    assert client.local_max_window_bits == accepted.client_window_bits
    assert client.local_no_context_takeover == accepted.client_no_context_takeover == no_takeover
    inflater = Inflater(accepted)
    for number in range(5):
        payload = b'{"event": "message", "data": {"number": %d}}' % number * (1 + 500 * number)
        sent = client.encode(Frame(Opcode.TEXT, payload))
        assert sent.rsv1
        assert expand(inflater, bytes(sent.data), size=70) == payload
        answer = deflate(payload, accepted.window_bits, compression)
        assert client.decode(Frame(Opcode.TEXT, answer, rsv1=True)).data == payload


@given(st.lists(st.text()), st.integers(1, 20))
def test_the_frame_reader_expands_messages(texts: list[str], size: int) -> None:
    """The seam to the reader of frames: a message in several frames, in any pieces."""
    reader = FrameReader(lambda mask, data: data, max_size=MIB, inflater=Inflater(agreed()))
    stream = bytearray()
    for data in compressed(*(text.encode() for text in texts)):
        data = data or b"\x00"
        for first, part in zip(
            itertools.chain([0x40 | TEXT], itertools.repeat(0)), pieces(data, 100), strict=False
        ):
            stream += bytes((first, 0x80 | len(part))) + bytes(4) + part
        stream += bytes((0x80, 0x80)) + bytes(4)
    messages = [found for piece in pieces(bytes(stream), size) for found in reader.feed(piece)]
    assert reader.error is None
    assert messages == [(TEXT, text) for text in texts]
