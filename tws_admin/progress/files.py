"""Files that runs leave: written by the work, kept in a storage or in the database.

A storage is asked for by the alias ``tws_admin`` of ``settings.STORAGES``; without one, files are
rows. A file is there when its block has ended well, whole, in place of an older one of its name;
its content goes when its row does, whoever deletes that.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from typing import IO, Any, BinaryIO, Final, cast

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import router, transaction

from tws_admin.models import TaskFile

__all__ = ["ALIAS", "MAX_BYTES", "FileTooLarge", "ResultFile", "check_name", "forget", "open_file"]
__all__ += ["read"]

logger = logging.getLogger("tws_admin")

ALIAS: Final = "tws_admin"
"""The key of STORAGES whose storage keeps the files."""

MAX_BYTES: Final = 16 * 2**20
"""Bytes of a file that the database keeps, where there is no storage."""

NAME_MAX_LENGTH: Final = 100
MEMORY_BYTES: Final = 2**20
"""Bytes of a file that is being written which stay in memory."""


class FileTooLarge(ValueError):
    """A file is more than the database is to keep.

    Args:
        name: that of the file.
        size: bytes.
    """

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size)
        self.name = name
        self.size = size

    def __str__(self) -> str:
        return (
            f"The file {self.name!r} has {self.size} bytes, more than the {MAX_BYTES} that the"
            f' database keeps. Name a storage for such files in the settings: STORAGES["{ALIAS}"].'
        )


class ResultFile:
    """A file to write in a block of ``with``, or ``async with``: see `open_file`."""

    def __init__(self, run_id: uuid.UUID, name: str, mode: str) -> None:
        self._block = _written(run_id, name, mode)

    def __enter__(self) -> IO[Any]:
        if _is_in_a_coroutine():
            raise RuntimeError('A coroutine opens the file of a result with "async with".')
        return self._block.__enter__()

    def __exit__(self, *exc: Any) -> None:
        self._block.__exit__(*exc)

    async def __aenter__(self) -> IO[Any]:
        return self._block.__enter__()

    async def __aexit__(self, *exc: Any) -> None:
        # In the thread that has the database of this work, and its transaction.
        await sync_to_async(self._block.__exit__)(*exc)


def open_file(run_id: uuid.UUID, name: str, mode: str = "w") -> ResultFile:
    """Return a file to write, which the run has when the block ends without an exception.

    The end of the block asks the database, and may block; it raises `FileTooLarge`.

    Args:
        run_id: the run.
        name: what it is downloaded as; a second file of the same name replaces the first.
        mode: ``"w"`` takes text, kept as UTF-8 with its line ends as they are; ``"wb"`` bytes.

    Raises:
        ValueError: the name or the mode cannot be.
    """
    check_name(name)
    if mode not in ("w", "wb"):
        raise ValueError(f"mode must be 'w' for text or 'wb' for bytes, got {mode!r}")
    return ResultFile(run_id, name, mode)


def read(file: TaskFile) -> BinaryIO:
    """Return the content of a file, open to read; blocks.

    Raises:
        FileNotFoundError: its storage does not have it any more, or is not configured any more.
    """
    if not file.stored:
        return io.BytesIO(file.content or b"")
    storage = _storage()
    if storage is None:
        raise FileNotFoundError(
            f'The file {file.name!r} is kept by STORAGES["{ALIAS}"], which the settings do not have'
            " any more: put it back."
        )
    return cast(BinaryIO, storage.open(file.stored))


def check_name(name: Any) -> None:
    """Make sure that a file can have a name.

    Raises:
        ValueError: it cannot.
    """
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= NAME_MAX_LENGTH
        or name in (".", "..")
        or not name.isprintable()
        or "/" in name
        or "\\" in name
    ):
        raise ValueError(
            f"The name of a file must be 1 to {NAME_MAX_LENGTH} printable characters without"
            f" slashes and backslashes, such as 'books.csv', got {name!r}."
        )


def forget(instance: TaskFile, using: str, **kwargs: Any) -> None:
    """Delete what a storage keeps of a file whose row is deleted; a receiver of `post_delete`."""
    _delete_later(instance.stored, using)


@contextlib.contextmanager
def _written(run_id: uuid.UUID, name: str, mode: str) -> Iterator[IO[Any]]:
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as content:
        if mode == "wb":
            yield content
        else:
            text = io.TextIOWrapper(cast(Any, content), encoding="utf-8", newline="")
            yield text
            text.flush()
        _keep(run_id, name, content)


def _is_in_a_coroutine() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _keep(run_id: uuid.UUID, name: str, content: tempfile.SpooledTemporaryFile[bytes]) -> None:
    size = content.seek(0, io.SEEK_END)
    content.seek(0)
    storage = _storage()
    if storage is None:
        if size > MAX_BYTES:
            raise FileTooLarge(name, size)
        _write(run_id, name, size=size, content=content.read(), stored="")
        return
    # Not by the name that the work has given: nothing that it read somewhere becomes a path.
    stored = storage.save(f"{ALIAS}/{run_id}/{uuid.uuid4().hex}", File(content))
    try:
        _write(run_id, name, size=size, content=None, stored=stored)
    except BaseException:
        storage.delete(stored)
        raise


def _write(run_id: uuid.UUID, name: str, **values: Any) -> None:
    using = router.db_for_write(TaskFile)
    rows = TaskFile.objects.using(using)
    with transaction.atomic(using=using):
        found = rows.filter(task_id=run_id, name=name).values_list("stored", flat=True)
        for old in list(found.select_for_update()):
            _delete_later(old, using)
        rows.update_or_create(task_id=run_id, name=name, defaults=values)


def _delete_later(stored: str, using: str) -> None:
    if not stored:
        return
    storage = _storage()
    if storage is None:
        logger.warning("%s stays: the settings have no STORAGES[%r] any more", stored, ALIAS)
    else:
        transaction.on_commit(partial(_delete, storage, stored), using=using)


def _delete(storage: Storage, stored: str) -> None:
    try:
        storage.delete(stored)
    except Exception:  # the row is gone: what is left is for somebody to look at, not to fail for
        logger.exception("%s could not be deleted from STORAGES[%r]", stored, ALIAS)


def _storage() -> Storage | None:
    return storages[ALIAS] if ALIAS in storages.backends else None
