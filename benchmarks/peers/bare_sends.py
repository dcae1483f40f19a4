"""No server: sends the same bytes to so many clients, for each byte of its standard input."""

from __future__ import annotations

import os
import socket
import sys


def main(clients: int, frame: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=clients) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        sockets = [listener.accept()[0] for _ in range(clients)]
    for each in sockets:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sends = [each.send for each in sockets]
    while os.read(sys.stdin.fileno(), 1):
        for send in sends:
            send(frame)


if __name__ == "__main__":
    main(int(sys.argv[1]), bytes(int(sys.argv[2])))
