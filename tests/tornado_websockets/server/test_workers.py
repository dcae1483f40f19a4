"""The parent of several workers, as a process; its children only stand where workers would."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.process import ServerProcess, accepts, is_there
from tests.tornado_websockets.server.children import DEAF, FAILING, OBEDIENT, PROLOGUE, until

PARENT = """
import logging, socket, sys
from tornado_websockets.server import place, workers

count, within_s, delay_s, workers.READY_TIMEOUT_S = map(float, sys.argv[1:])
sys.argv[:] = ["child.py"]  # what each worker is to run
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
place.BACKOFF_S = 0.1
sock = socket.create_server(("127.0.0.1", 0))
print("port", sock.getsockname()[1], flush=True)
parent = workers.Workers(
    int(count), [sock], within_s=within_s, delay_s=delay_s,
    ready=lambda: print("all serve", flush=True),
)
try:
    status = parent.run()
except workers.CannotStartError as error:
    print(error)
    status = 1
assert sock.fileno() == -1
print("parent ends", flush=True)
sys.exit(status)
"""

# In one piece, since several may do so at the same time.
TOLD = 'os.write(1, b"child %d of %d\\n" % (number, os.getpid()))\n'

TELLING = f"\n{TOLD}{OBEDIENT}"

LEAVING = """
for sock in sockets:
    os.close(sock)  # so that the parent alone accepts
os.write(line, b"r")
os.read(line, 1)
print("told", flush=True)
while not os.path.exists("leave"):
    time.sleep(0.01)
"""

Start = Callable[..., ServerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a parent whose children run a program."""
    started: list[ServerProcess] = []

    def start(
        program: str,
        count: int = 3,
        *,
        within_s: float = 20,
        delay_s: float = 0,
        ready_s: float = 120,
    ) -> ServerProcess:
        (tmp_path / "manage.py").write_text(PARENT)
        bear(tmp_path, program)
        started.append(
            ServerProcess(
                *map(str, (count, within_s, delay_s, ready_s)),
                directory=tmp_path,
                log=tmp_path / "log",
                environment={"PYTHONPATH": str(Path(__file__).parents[3])},
            )
        )
        return started[-1]

    yield start
    for server in started:
        server.kill()


def bear(folder: Path, program: str) -> None:
    (folder / "child.py").write_text(PROLOGUE + program)


def children(server: ServerProcess) -> dict[int, int]:
    """Return the process of each number that came last."""
    return {int(each): int(pid) for each, pid in re.findall(r"child (\d) of (\d+)", server.output)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_serve_until_a_signal_ends_them(number: int, start: Start) -> None:
    server = start(TELLING)
    server.wait_for("all serve")
    pids = children(server)
    assert sorted(pids) == [1, 2, 3]
    server.process.send_signal(number)
    assert server.wait() == 0
    assert server.output.endswith("parent ends\n")
    assert not any(map(is_there, pids.values()))


def test_the_first_one_starts_alone_and_when_it_fails_so_does_the_start(start: Start) -> None:
    server = start(f"print('child', flush=True)\n{FAILING}")
    assert server.wait() == 1
    assert server.output.count("child") == 1
    assert "ended with exit status 7 before it served" in server.output


def test_one_that_dies_is_replaced_and_how_it_ended_is_told(start: Start) -> None:
    server = start(TELLING)
    server.wait_for("all serve")
    before = children(server)
    os.kill(before[2], signal.SIGKILL)
    server.wait_for(
        rf"worker 2 \(process {before[2]}\) ended with signal SIGKILL, another one starts in 0\.1 s"
    )
    until(lambda: children(server)[2] != before[2])
    assert {**children(server), 2: 0} == {**before, 2: 0}
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_one_that_dies_again_and_again_waits_longer_each_time_and_the_others_serve(
    start: Start, tmp_path: Path
) -> None:
    server = start(f"if number == 2 and not os.path.exists('good'): {FAILING}\n{TELLING}")
    for wait in ("0.1", "0.2", "0.4"):
        server.wait_for(rf"worker 2 .* exit status 7, another one starts in {wait} s")
    until(lambda: sorted(children(server)) == [1, 3])  # the third may be slower than all of that
    assert "all serve" not in server.output
    (tmp_path / "good").touch()
    server.wait_for("all serve")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_second_signal_ends_all_at_once(start: Start) -> None:
    told = TELLING.replace("sys.exit(", "print('told', ") + "sys.stdout.flush()" + DEAF
    server = start(told)
    server.wait_for("all serve")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("told")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 128 + signal.SIGINT
    assert not any(map(is_there, children(server).values()))


def test_one_that_does_not_end_in_time_is_killed_and_the_status_is_1(start: Start) -> None:
    server = start(TOLD + DEAF, within_s=0)
    server.wait_for("all serve")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 1
    assert server.output.count("did not end in time, and is killed") == 3
    assert not any(map(is_there, children(server).values()))


def test_one_that_ends_badly_makes_the_status_1(start: Start) -> None:
    server = start(TELLING.replace("sys.exit(0 if", "sys.exit(number == 2 if"))
    server.wait_for("all serve")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 1
    assert re.search(r"worker 2 \(process \d+\) ended with exit status 1\n", server.output)


def test_an_interrupt_of_all_while_they_start_is_no_failure(start: Start) -> None:
    """What Control-C does: workers leave it to their parent only when they serve."""
    starting = "signal.signal(signal.SIGINT, signal.SIG_DFL); print('starts', flush=True)\n"
    server = start(starting + "os.read(line, 1)")
    server.wait_for("starts")
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.wait() == 0
    assert "ended with" not in server.output


def test_one_that_hangs_while_it_starts_is_killed_and_another_one_starts(
    start: Start, tmp_path: Path
) -> None:
    hanging = "print('hangs', flush=True)\nwhile True: time.sleep(0.05)"
    server = start(TELLING, 2, ready_s=2)
    server.wait_for("all serve")
    bear(tmp_path, hanging)
    os.kill(children(server)[1], signal.SIGKILL)
    server.wait_for("hangs")
    bear(tmp_path, TELLING)
    server.wait_for(r"worker 1 \(process \d+\) does not serve in time, and is killed\n")
    server.wait_for(r"killed\n(?s:.*)SIGKILL, another one starts in \d\.\d s\n(?s:.*)child 1 of")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def port_of(server: ServerProcess) -> int:
    return int(server.wait_for(r"port (\d+)")[1])


def test_the_port_is_closed_before_the_workers_end(start: Start, tmp_path: Path) -> None:
    server = start(LEAVING)
    server.wait_for("all serve")
    port = port_of(server)
    assert accepts(port)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: not accepts(port))
    assert server.process.poll() is None
    (tmp_path / "leave").touch()
    assert server.wait() == 0


def test_the_port_stays_open_for_as_long_as_it_is_to(start: Start, tmp_path: Path) -> None:
    server = start(LEAVING, delay_s=5)
    server.wait_for("all serve")
    port = port_of(server)
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("told")
    assert accepts(port)
    until(lambda: not accepts(port))
    assert server.process.poll() is None
    (tmp_path / "leave").touch()
    assert server.wait() == 0


def test_hangup_has_all_replaced_by_what_the_program_is_now(start: Start, tmp_path: Path) -> None:
    server = start(TELLING)
    server.wait_for("all serve")
    before = children(server)
    bear(tmp_path, "print('new', flush=True)" + TELLING)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("the workers have been replaced")
    after = children(server)
    assert sorted(after) == [1, 2, 3]
    assert not set(after.values()) & set(before.values())
    assert server.output.count("new") == 3
    until(lambda: not any(map(is_there, before.values())))
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_hangup_whose_workers_fail_leaves_the_old_ones(start: Start, tmp_path: Path) -> None:
    server = start(TELLING)
    server.wait_for("all serve")
    before = children(server)
    bear(tmp_path, FAILING)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("no worker is replaced, the old ones go on: .* exit status 7")
    assert children(server) == before
    assert all(map(is_there, before.values()))
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_program_that_is_not_there_harms_no_worker(start: Start, tmp_path: Path) -> None:
    """As in the middle of a deployment."""
    server = start(TELLING)
    server.wait_for("all serve")
    before = children(server)
    (tmp_path / "child.py").rename(tmp_path / "away.py")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("no worker is replaced, the old ones go on: no process can be started")
    os.kill(before[1], signal.SIGKILL)
    server.wait_for(r"worker 1 cannot be started for 0\.\d s: .*child\.py")
    (tmp_path / "away.py").rename(tmp_path / "child.py")
    until(lambda: children(server)[1] != before[1])
    assert {**children(server), 1: 0} == {**before, 1: 0}
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "Exception ignored" not in server.output


def test_a_signal_in_the_middle_of_a_reload_ends_all(start: Start, tmp_path: Path) -> None:
    server = start(TELLING)
    server.wait_for("all serve")
    bear(tmp_path, "print('hangs', flush=True)\nos.read(line, 1)")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("hangs")
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGHUP)  # which is nothing any more
    assert server.wait() == 0
    assert "no worker is replaced" not in server.output


def test_a_hangup_while_all_end_is_nothing_any_more(start: Start, tmp_path: Path) -> None:
    server = start(LEAVING)
    server.wait_for("all serve")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("told")
    server.process.send_signal(signal.SIGHUP)
    (tmp_path / "leave").touch()
    while server.process.poll() is None:  # until the very end
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    assert server.wait() == 0
    assert "replaced" not in server.output


def test_a_process_that_cannot_be_started_is_tried_again(start: Start, tmp_path: Path) -> None:
    server = start(TELLING, 2)
    server.wait_for("all serve")
    limit, before = resource_limit(server), children(server)
    os.kill(before[1], signal.SIGKILL)
    server.wait_for(r"worker 1 cannot be started for 0\.2 s: ")
    resource_limit(server, *limit)
    until(lambda: children(server)[1] != before[1])
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def resource_limit(
    server: ServerProcess, soft: int = 0, hard: int | None = None
) -> tuple[int, int]:
    """Set the limit of open files of the parent, and return what it was."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("needs prlimit")
    pid, kind = server.process.pid, resource.RLIMIT_NOFILE
    before: tuple[int, int] = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (soft, before[1] if hard is None else hard))
    return before
