"""Whatever kind of URL leads to Redis, events, histories, members and nodes go through it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.broker import Broker, free_port, is_installed
from tests.tornado_websockets.layers.clients import Client, Page, member, until
from tests.tornado_websockets.layers.redis.station import Station, stations, wordy
from tornado_websockets.exceptions import LayerUnavailableError
from tornado_websockets.layers.event import Event

TLS = Path(__file__).resolve().parents[3] / "tls"

SECRET = "s3cr3t/@ :"
QUOTED = "s3cr3t%2F%40%20%3A"


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """The URLs of one Redis, by their kind."""
    if not is_installed():
        pytest.skip("redis-server is not installed")
    port = free_port()
    options = {
        "tls-port": str(port),
        "tls-cert-file": str(TLS / "cert.pem"),
        "tls-key-file": str(TLS / "key.pem"),
        "tls-auth-clients": "no",
        "unixsocket": "redis.sock",
    }
    with Broker(keeps=False, **options) as broker:
        broker.run("ACL", "SETUSER", "ann", "on", f">{SECRET}", "~*", "&*", "+@all")
        file, plain = broker.folder / "redis.sock", broker.url
        yield {
            "tls": f"rediss://localhost:{port}/0?ssl_ca_certs={TLS / 'cert.pem'}",
            "tls unknown": f"rediss://localhost:{port}/0",
            "tls of another": f"rediss://127.1:{port}/0?ssl_ca_certs={TLS / 'cert.pem'}",
            "tls user": f"rediss://ann:{QUOTED}@localhost:{port}/0?ssl_ca_certs={TLS / 'cert.pem'}",
            "unix": f"unix://{file}?db=1",
            "unix user": f"unix://{file}?username=ann&password={QUOTED}",
            "user": plain.replace("//", f"//ann:{QUOTED}@"),
            "wrong password": plain.replace("//", "//ann:s3cr3t-no@"),
            "wrong unix password": f"unix://{file}?username=ann&password=s3cr3t-no",
            "wrong user": plain.replace("//", f"//bob:{QUOTED}@"),
        }


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("kind", ["tls", "tls user", "unix", "unix user", "user"])
async def test_everything_goes_through_it(
    served: dict[str, str], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = served[kind]
    url = f"{url}{'&' if '?' in url else '?'}prefix={kind.replace(' ', '.')}"
    async with stations(2, url) as (one, two):
        page, live = Page(), Client()
        two.audience.join("/live", live)
        await one.visit(page)
        for number in range(3):
            await two.layer.apublish("/h", Event("e", wordy(number)))
        two.audience.enter("/live", "r", live, member("ann"))
        one.say(3, path="/live")
        await until(lambda: live.got == ["e"] and page.numbers == [0, 1, 2])
        one.go(page)
        blocking = two.layer.shard_of("/h").blocking
        blocking.publish("/h", Station(url).audience.served["/h"], Event("e", wordy(3)))
        blocking.close()
        await two.visit(page)
        await until(lambda: page.numbers == [0, 1, 2, 3])
        assert page.told == [None, True]
        await until(lambda: [len(each.layer.nodes()) for each in (one, two)] == [2, 2])
        await until(lambda: bool(one.layer.presence("/live", "r")))
        assert (one.layer.trouble, two.layer.trouble) == ("", "")
        assert "s3cr3t" not in repr(one.layer.shards[0].address) + repr(one.layer.shards[0].client)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("wrong password", "invalid username-password pair"),
        ("wrong unix password", "invalid username-password pair"),
        ("wrong user", "invalid username-password pair"),
        ("tls unknown", "CERTIFICATE_VERIFY_FAILED"),
        ("tls of another", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
async def test_who_may_not_is_told_why_and_no_password(
    served: dict[str, str],
    kind: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tornado_websockets.layers.redis.layer.START_S", 1.5)
    caplog.set_level(logging.DEBUG)
    async with stations(1, served[kind]) as (one,):
        assert reason in one.layer.shards[0].health.reason
        assert "Redis has not answered for" in one.layer.trouble
        one.layer.tell("greeting", {})
        with pytest.raises(LayerUnavailableError, match=reason) as caught:
            one.layer.shard_of("/h").blocking.publish("/h", None, Event("e", b"{}"))
        one.say(1)
        trouble = one.layer.trouble
    assert reason in caplog.text
    assert "s3cr3t" not in caplog.text + trouble + str(caught.value) + repr(caught.value)
