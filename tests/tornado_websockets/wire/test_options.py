"""How the connections of a path behave."""

from __future__ import annotations

import sys

import pytest

from tornado_websockets.conf import Config, Limits
from tornado_websockets.deflate import Compression
from tornado_websockets.wire import check_compression, check_policy, wire_options

SETTINGS = {
    "websocket_max_message_size": 1000,
    "websocket_ping_interval": 7,
    "websocket_ping_timeout": 3,
}


def test_the_path_goes_before_the_project() -> None:
    config = Config(slow_reader="latest", compression=True, limits=Limits(send_bytes=5))
    options = wire_options(config, SETTINGS, slow_reader=None, compression=None)
    assert (options.max_size, options.ping_interval, options.ping_timeout) == (1000, 7, 3)
    assert (options.slow_reader, options.compression) == ("latest", Compression())
    assert (options.send_bytes, options.send_frames) == (5, 1000)
    options = wire_options(config, {}, slow_reader="close", compression={"level": 1})
    assert (options.slow_reader, options.compression) == ("close", Compression(level=1))
    assert (options.max_size, options.ping_interval) == (sys.maxsize, 0)
    options = wire_options(config, {}, slow_reader=None, compression=False)
    assert options.compression is None


def test_what_cannot_be_understood_is_refused() -> None:
    assert check_policy(None) is None
    assert check_policy("latest") == "latest"
    with pytest.raises(ValueError, match="slow_reader should be one of close, drop_oldest, latest"):
        check_policy("never")
    assert check_compression(None) is None
    assert check_compression({"level": 9}) == {"level": 9}
    with pytest.raises(ValueError, match="compression should be True, False or a dictionary"):
        check_compression({"level": 10})
