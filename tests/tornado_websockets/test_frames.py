"""The frames that a server builds, and the codes of a close."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import EXTERNAL_CLOSE_CODES
from websockets.frames import Frame as ReferenceFrame
from websockets.protocol import Protocol, Side, State

from tornado_websockets.exceptions import ProtocolError
from tornado_websockets.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NO_STATUS,
    PING,
    PONG,
    TEXT,
    build,
    build_close,
    is_valid_code,
    read_close,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
VALID_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


def parse_as_a_client(data: bytes) -> list[ReferenceFrame]:
    """Return what another implementation, as a client, reads; it must not complain."""
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    frames = client.events_received()
    assert all(isinstance(frame, ReferenceFrame) for frame in frames)
    return [frame for frame in frames if isinstance(frame, ReferenceFrame)]


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "82 00"),
        (1, "82 01"),
        (125, "82 7d"),
        (126, "82 7e 007e"),
        (127, "82 7e 007f"),
        (65535, "82 7e ffff"),
        (65536, "82 7f 0000000000010000"),
        (65537, "82 7f 0000000000010001"),
    ],
)
def test_a_length_takes_the_shortest_form(size: int, head: str) -> None:
    """Seven, sixteen or sixty-four bits, RFC 6455 section 5.2."""
    payload = b"x" * size
    assert build(BINARY, payload) == bytes.fromhex(head) + payload


@pytest.mark.parametrize(
    ("opcode", "first"),
    [
        (CONTINUATION, 0x80),
        (TEXT, 0x81),
        (BINARY, 0x82),
        (CLOSE, 0x88),
        (PING, 0x89),
        (PONG, 0x8A),
    ],
)
def test_a_frame_is_final_and_unmasked(opcode: int, first: int) -> None:
    """A server never masks, RFC 6455 section 5.1."""
    assert build(opcode, b"ab") == bytes((first, 2)) + b"ab"


@pytest.mark.parametrize(("opcode", "first"), [(TEXT, 0xC1), (BINARY, 0xC2)])
@pytest.mark.parametrize("size", [0, 125, 126, 65536])
def test_a_compressed_frame_differs_in_its_first_reserved_bit(
    opcode: int, first: int, size: int
) -> None:
    """RSV1 marks compression, RFC 7692 section 6; nothing else changes."""
    plain, compressed = build(opcode, b"x" * size), build(opcode, b"x" * size, compressed=True)
    assert compressed[0] == first
    assert compressed[1:] == plain[1:]


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING, PONG]), st.binary(max_size=125))))
def test_another_implementation_reads_what_is_built(frames: list[tuple[int, bytes]]) -> None:
    """Frames one behind the other come back as they were made."""
    read = parse_as_a_client(b"".join(build(opcode, payload) for opcode, payload in frames))
    assert [(frame.opcode, frame.data) for frame in read] == frames
    assert all(frame.fin for frame in read)


@pytest.mark.parametrize("size", [125, 126, 127, 65535, 65536, 65537])
def test_another_implementation_reads_each_form_of_length(size: int) -> None:
    """Both sides of each boundary."""
    (frame,) = parse_as_a_client(build(BINARY, b"x" * size))
    assert frame.data == b"x" * size


def test_valid_codes_are_those_of_the_registry_and_those_of_one_s_own() -> None:
    """All of 16 bits: the reserved 1004, 1005, 1006 and 1015 are never sent."""
    assert {code for code in range(1 << 16) if is_valid_code(code)} == VALID_CODES
    assert {code for code in VALID_CODES if code < 3000} == set(EXTERNAL_CLOSE_CODES)


@pytest.mark.parametrize("code", [-1, 0, 1 << 16, 1 << 20])
def test_a_code_beyond_16_bits_is_not_valid(code: int) -> None:
    """Such a number is refused, not cut."""
    assert not is_valid_code(code)


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (None, "", b""),
        (None, "a reason without a code cannot be sent", b""),
        (1000, "", b"\x03\xe8"),
        (1001, "bye", b"\x03\xe9bye"),
        (4999, "schön", b"\x13\x87sch\xc3\xb6n"),
    ],
)
def test_a_close_frame_carries_code_and_reason(
    code: int | None, reason: str, payload: bytes
) -> None:
    """The code in network order, then the reason, RFC 6455 section 5.5.1."""
    assert build_close(code, reason) == bytes((0x88, len(payload))) + payload


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("x" * 122, "x" * 122),
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 123),
        ("x" * 10_000, "x" * 123),
        ("x" * 121 + "ö", "x" * 121 + "ö"),
        ("x" * 122 + "ö", "x" * 122),
        ("x" * 120 + "€" * 2, "x" * 120 + "€"),
        ("x" * 121 + "€", "x" * 121),
        ("x" * 119 + "😀", "x" * 119 + "😀"),
        ("x" * 120 + "😀", "x" * 120),
        ("x" * 122 + "😀", "x" * 122),
    ],
)
def test_a_long_reason_is_cut_between_characters(reason: str, sent: str) -> None:
    """A control frame holds 125 bytes, and half a character is not UTF-8."""
    frame = build_close(1000, reason)
    assert frame[:2] == bytes((0x88, len(frame) - 2))
    assert frame[4:].decode() == sent


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_a_code_that_may_not_be_sent_is_refused(code: int) -> None:
    """The error names what is allowed and what came."""
    with pytest.raises(ValueError, match=rf"between 3000 and 4999, got {code}$"):
        build_close(code)


@given(st.sampled_from(sorted(VALID_CODES)), TEXTS)
def test_another_implementation_reads_what_closes(code: int, reason: str) -> None:
    """Code and the beginning of the reason arrive, there and in read_close()."""
    (frame,) = parse_as_a_client(build_close(code, reason))
    assert frame.opcode == CLOSE
    read_code, read_reason = read_close(bytes(frame.data))
    assert read_code == code
    assert reason.startswith(read_reason)


def test_a_close_without_a_code_reads_as_no_status() -> None:
    """1005 stands for it, RFC 6455 section 7.1.5."""
    assert read_close(b"") == (NO_STATUS, "")


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
@pytest.mark.parametrize("reason", ["", "x", "ö€😀", "x" * 123])
def test_a_close_payload_is_a_code_and_a_reason(code: int, reason: str) -> None:
    """The reason may be empty."""
    assert read_close(code.to_bytes(2, "big") + reason.encode()) == (code, reason)


@pytest.mark.parametrize("byte", [b"\x00", b"\x03", b"\xff"])
def test_half_a_close_code_is_refused(byte: bytes) -> None:
    """A payload that is there begins with two bytes, RFC 6455 section 5.5.1."""
    with pytest.raises(ProtocolError) as caught:
        read_close(byte)
    assert (caught.value.code, caught.value.reason) == (1002, "half a close code")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_a_close_code_that_may_not_be_sent_is_refused(code: int) -> None:
    """Also with a reason behind it; the error says which code came."""
    with pytest.raises(ProtocolError) as caught:
        read_close(code.to_bytes(2, "big") + b"reason")
    assert (caught.value.code, caught.value.reason) == (1002, f"the close code {code}")


@pytest.mark.parametrize("reason", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_a_close_reason_that_is_not_utf8_is_refused(reason: bytes) -> None:
    """Text everywhere is UTF-8, RFC 6455 section 5.5.1."""
    with pytest.raises(UnicodeDecodeError):
        read_close(b"\x03\xe8" + reason)


@given(st.binary(max_size=125))
def test_any_close_payload_is_read_or_refused(payload: bytes) -> None:
    """Nothing but the documented errors comes out, and what is read can be sent again."""
    try:
        code, reason = read_close(payload)
    except (ProtocolError, UnicodeDecodeError):
        return
    assert build_close(None if code == NO_STATUS else code, reason)[2:] == payload
