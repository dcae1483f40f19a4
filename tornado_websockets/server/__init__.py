"""The server around the sockets: where it listens, that it is well, and how it ends."""
