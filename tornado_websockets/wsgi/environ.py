"""The WSGI environ (PEP 3333) of a request that Tornado has parsed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from wsgiref.util import FileWrapper

from tornado import httputil

if TYPE_CHECKING:
    from wsgiref.types import InputStream, WSGIEnvironment

FILE_BLOCK_SIZE = 64 * 1024

# Replaced by CONTENT_LENGTH, which also counts a body that came in chunks.
_FRAMING = {"Content-Length", "Transfer-Encoding"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class FileBlocks(FileWrapper):
    """Iterate over a file in blocks of at least 64 KiB (Django asks for 4 KiB)."""

    def __init__(self, filelike: Any, blksize: int = FILE_BLOCK_SIZE) -> None:
        super().__init__(filelike, max(blksize, FILE_BLOCK_SIZE))


def build_environ(
    request: httputil.HTTPServerRequest,
    stream: InputStream,
    *,
    content_length: int,
    script_name: str,
) -> WSGIEnvironment:
    """Describe a request as a WSGI environ.

    Args:
        request: what Tornado has parsed.
        stream: the request body, as the application reads it.
        content_length: bytes in the body, sent in chunks or not.
        script_name: the prefix under which the application is mounted, "" or "/prefix".
    """
    authority, path = _split_target(request.path)
    scheme = request.protocol
    host, port = httputil.split_host_and_port(authority or request.host)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": _path_info(path, script_name),
        "QUERY_STRING": request.query,
        "REMOTE_ADDR": request.remote_ip,
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": str(port or _DEFAULT_PORTS[scheme]),
        "SERVER_PROTOCOL": request.version,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBlocks,
    }
    environ.update(_headers(request.headers))
    if authority:
        environ["HTTP_HOST"] = authority
    if not _FRAMING.isdisjoint(request.headers):
        environ["CONTENT_LENGTH"] = str(content_length)
    remote_port = _remote_port(request)
    if remote_port is not None:
        environ["REMOTE_PORT"] = str(remote_port)
    return environ


def _split_target(target: str) -> tuple[str, str]:
    """Return (authority, path) of a request target without its query.

    The authority is empty unless the target is a whole URL; then it outranks the Host header
    (RFC 9112 section 3.2.2).
    """
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in _DEFAULT_PORTS:
        return "", target
    authority, slash, path = rest.partition("/")
    return authority.rpartition("@")[2], (slash or "/") + path


def _path_info(path: str, script_name: str) -> str:
    # PEP 3333 wants the decoded bytes as latin-1; Tornado hands out undecoded ones as latin-1 too.
    decoded = unquote(path, "latin-1")
    rest = decoded.removeprefix(script_name)
    at_boundary = rest == "" or rest.startswith("/")
    return rest if at_boundary else decoded


def _headers(headers: httputil.HTTPHeaders) -> dict[str, str]:
    values = {}
    for name in headers:
        # In an environ "X_Forwarded_Proto" and "X-Forwarded-Proto" are one name: a client could
        # send the first where a proxy guards only the second.
        if "_" in name or name in _FRAMING:
            continue
        key = name.upper().replace("-", "_")
        if key != "CONTENT_TYPE":
            key = "HTTP_" + key
        separator = "; " if name == "Cookie" else ","
        values[key] = separator.join(headers.get_list(name))
    return values


def _remote_port(request: httputil.HTTPServerRequest) -> int | None:
    address = getattr(getattr(request.connection, "context", None), "address", None)
    # Behind a proxy the address of the socket is not the client's, so its port says nothing.
    if isinstance(address, tuple) and address[:1] == (request.remote_ip,):
        port: int = address[1]
        return port
    return None
