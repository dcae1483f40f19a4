"""Files that runs leave, in the database and in a storage."""

from __future__ import annotations

import csv
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import InMemoryStorage, storages
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone

from tws_admin.models import ProgressTask, TaskFile
from tws_admin.progress.files import (
    MAX_BYTES,
    MEMORY_BYTES,
    NAME_MAX_LENGTH,
    FileTooLarge,
    check_name,
    open_file,
    read,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run() -> ProgressTask:
    return ProgressTask.objects.create(title="Export", engine="thread")


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Let a storage keep the files, in a folder."""
    kept = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": tmp_path / "kept"},
    }
    with override_settings(STORAGES={"tws_admin": kept}):
        yield tmp_path / "kept"


@pytest.fixture(params=["database", "storage"])
def place(request: pytest.FixtureRequest) -> str:
    """Each of the two that keep files."""
    if request.param == "storage":
        request.getfixturevalue("folder")
    return str(request.param)


def content(run: ProgressTask, name: str) -> bytes:
    with read(run.files.get(name=name)) as file:
        return file.read()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("place")
class TestKeeping:
    def test_text_is_kept_as_utf_8_with_its_line_ends(self, run: ProgressTask) -> None:
        with open_file(run.pk, "books.csv") as file:
            csv.writer(file).writerows([["title"], ["Grüße, 本"]])
        assert content(run, "books.csv") == 'title\r\n"Grüße, 本"\r\n'.encode()
        assert run.files.get().size == len(content(run, "books.csv"))

    def test_bytes_are_kept_as_they_are(self, run: ProgressTask) -> None:
        every = bytes(range(256))
        with open_file(run.pk, "every.bin", "wb") as file:
            file.write(every)
        assert content(run, "every.bin") == every

    def test_what_does_not_fit_into_memory_is_kept_whole(self, run: ProgressTask) -> None:
        line = "x" * 1023 + "\n"
        with open_file(run.pk, "long.txt") as file:
            for _ in range(2 * MEMORY_BYTES // len(line)):
                file.write(line)
        assert content(run, "long.txt") == line.encode() * (2 * MEMORY_BYTES // len(line))

    def test_an_empty_file_is_a_file(self, run: ProgressTask) -> None:
        with open_file(run.pk, "empty.txt"):
            pass
        assert content(run, "empty.txt") == b""

    def test_nothing_is_kept_of_a_block_that_fails(self, run: ProgressTask) -> None:
        with pytest.raises(ZeroDivisionError), open_file(run.pk, "half.txt") as file:
            file.write(f"half {1 / 0}")
        assert not run.files.exists()

    def test_a_second_file_of_the_same_name_replaces_the_first(self, run: ProgressTask) -> None:
        for text in ("first", "the second"):
            with open_file(run.pk, "result.txt") as file:
                file.write(text)
        assert content(run, "result.txt") == b"the second"
        assert run.files.get().size == 10

    def test_the_first_stays_when_the_second_fails(self, run: ProgressTask) -> None:
        with open_file(run.pk, "result.txt") as file:
            file.write("first")
        with pytest.raises(ZeroDivisionError), open_file(run.pk, "result.txt") as file:
            raise ZeroDivisionError
        assert content(run, "result.txt") == b"first"

    def test_a_run_may_leave_several_and_other_runs_the_same(self, run: ProgressTask) -> None:
        other = ProgressTask.objects.create(title="Export", engine="thread")
        for each, name in ((run, "a.txt"), (run, "b.txt"), (other, "a.txt")):
            with open_file(each.pk, name) as file:
                file.write(f"{name} of {each.pk}")
        assert [file.name for file in run.files.all()] == ["a.txt", "b.txt"]
        assert content(other, "a.txt") == f"a.txt of {other.pk}".encode()

    async def test_a_coroutine_can_leave_one_too(self, run: ProgressTask) -> None:
        async with open_file(run.pk, "async.txt") as file:
            file.write("from a coroutine")
        [kept] = [file async for file in run.files.all()]
        assert kept.size == len("from a coroutine")

    async def test_nothing_is_kept_of_a_coroutine_that_fails(self, run: ProgressTask) -> None:
        with pytest.raises(ZeroDivisionError):
            async with open_file(run.pk, "async.txt") as file:
                file.write(f"half {1 / 0}")
        assert not await run.files.aexists()

    def test_what_a_coroutine_leaves_is_part_of_its_transaction(self, run: ProgressTask) -> None:
        async def work() -> None:
            async with open_file(run.pk, "async.txt") as file:
                file.write("from a coroutine")

        with transaction.atomic():
            run.notes.create(time=timezone.now(), text="the database is locked")
            async_to_sync(work)()
            transaction.set_rollback(True)
        assert not run.files.exists()

    async def test_a_coroutine_that_would_block_is_told(self, run: ProgressTask) -> None:
        expected = 'opens the file of a result with "async with"'
        with pytest.raises(RuntimeError, match=expected), open_file(run.pk, "x"):
            pytest.fail("the block was entered")

    def test_a_run_that_is_gone_can_have_none(self) -> None:
        with pytest.raises(IntegrityError), open_file(uuid.uuid4(), "late.txt") as file:
            file.write("too late")
        assert not TaskFile.objects.exists()


class TestNames:
    @pytest.mark.parametrize(
        "name", ["books.csv", "x", "…", "a b.txt", ".hidden", "a..b", "本.csv", "n" * 100]
    )
    def test_a_name_is_one_of_a_file(self, run: ProgressTask, name: str) -> None:
        with open_file(run.pk, name) as file:
            file.write(name)
        assert content(run, name) == name.encode()

    @pytest.mark.parametrize(
        "name",
        [
            *("", ".", "..", "a/b", "/etc/passwd", "..\\x", "a\nb", "a\0", "a\x7f", "\ud800"),
            *("\u202egpj.exe", "a\u2028b", "n" * (NAME_MAX_LENGTH + 1), None, 3, b"x", Path("x")),
        ],
    )
    def test_what_is_no_name_is_refused_before_anything_is_written(self, name: Any) -> None:
        expected = f"must be 1 to 100 printable characters.*, got {re.escape(repr(name))}"
        with pytest.raises(ValueError, match=expected), open_file(uuid.uuid4(), name):
            pytest.fail("the block was entered")

    def test_a_name_may_be_checked_alone(self) -> None:
        check_name("books.csv")
        with pytest.raises(ValueError, match="'books.csv', got '../x'"):
            check_name("../x")

    @pytest.mark.parametrize("mode", ["r", "a", "w+", "", "rb"])
    def test_a_file_is_opened_to_write(self, mode: str) -> None:
        with (
            pytest.raises(ValueError, match=f"mode must be 'w' .* got '{re.escape(mode)}'"),
            open_file(uuid.uuid4(), "x", mode),
        ):
            pytest.fail("the block was entered")


class TestDatabase:
    def test_it_keeps_sixteen_megabytes_of_a_file(self, run: ProgressTask) -> None:
        with open_file(run.pk, "most.bin", "wb") as file:
            file.write(b"x" * MAX_BYTES)
        assert run.files.get().size == 16 * 1024 * 1024

    def test_it_refuses_more_and_says_what_to_do(self, run: ProgressTask) -> None:
        with pytest.raises(FileTooLarge) as refused, open_file(run.pk, "more.bin", "wb") as file:
            file.write(b"x" * (MAX_BYTES + 1))
        assert (refused.value.name, refused.value.size) == ("more.bin", MAX_BYTES + 1)
        assert "'more.bin' has 16777217 bytes" in str(refused.value)
        assert 'STORAGES["tws_admin"]' in str(refused.value)
        assert not run.files.exists()

    def test_a_file_goes_with_its_run(self, run: ProgressTask) -> None:
        with open_file(run.pk, "a.txt"):
            pass
        run.delete()
        assert not TaskFile.objects.exists()


class TestStorage:
    def test_it_keeps_more_than_the_database_would(self, run: ProgressTask, folder: Path) -> None:
        with open_file(run.pk, "large.bin", "wb") as file:
            file.write(b"x" * (MAX_BYTES + 1))
        assert run.files.get().content is None
        [kept] = files_in(folder)
        assert kept.stat().st_size == MAX_BYTES + 1

    def test_the_path_says_the_run_and_nothing_of_the_name(
        self, run: ProgressTask, folder: Path
    ) -> None:
        with open_file(run.pk, "CON.aux … %2e%2e"):
            pass
        [kept] = files_in(folder)
        assert re.fullmatch(rf"tws_admin/{run.pk}/[0-9a-f]{{32}}", str(kept.relative_to(folder)))

    def test_what_is_replaced_is_deleted(self, run: ProgressTask, folder: Path) -> None:
        for text in ("first", "second", "third"):
            with open_file(run.pk, "result.txt") as file:
                file.write(text)
        assert [path.read_text() for path in files_in(folder)] == ["third"]

    def test_what_is_replaced_stays_when_the_transaction_is_undone(
        self, run: ProgressTask, folder: Path
    ) -> None:
        with open_file(run.pk, "result.txt") as file:
            file.write("first")
        with transaction.atomic():
            with open_file(run.pk, "result.txt") as file:
                file.write("second")
            transaction.set_rollback(True)
        assert content(run, "result.txt") == b"first"

    def test_what_no_row_names_is_not_left_behind(self, folder: Path) -> None:
        with pytest.raises(IntegrityError), open_file(uuid.uuid4(), "late.txt") as file:
            file.write("too late")
        assert files_in(folder) == []

    @pytest.mark.parametrize("how", ["the run", "runs", "files", "the file"])
    def test_a_stored_file_goes_with_its_row(
        self, run: ProgressTask, folder: Path, how: str
    ) -> None:
        for name in ("a.txt", "b.txt"):
            with open_file(run.pk, name):
                pass
        assert len(files_in(folder)) == 2
        if how == "the run":
            run.delete()
        elif how == "runs":
            ProgressTask.objects.all().delete()
        elif how == "files":
            run.files.all().delete()
        else:
            for file in run.files.all():
                file.delete()
        assert files_in(folder) == []

    def test_a_stored_file_stays_until_the_deletion_is_committed(
        self, run: ProgressTask, folder: Path
    ) -> None:
        with open_file(run.pk, "a.txt"):
            pass
        with transaction.atomic():
            run.delete()
            transaction.set_rollback(True)
        assert len(files_in(folder)) == 1
        assert content(ProgressTask.objects.get(), "a.txt") == b""

    def test_a_storage_that_fails_does_not_keep_a_run_from_being_deleted(
        self, run: ProgressTask, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with open_file(run.pk, "a.txt"):
            pass
        [kept] = files_in(folder)
        kept.unlink()
        kept.mkdir()
        (kept / "in the way").touch()
        run.delete()
        assert not ProgressTask.objects.exists()
        assert "could not be deleted from STORAGES['tws_admin']" in caplog.text

    def test_a_file_that_the_storage_has_lost_is_not_found(
        self, run: ProgressTask, folder: Path
    ) -> None:
        with open_file(run.pk, "a.txt"):
            pass
        files_in(folder)[0].unlink()
        with pytest.raises(FileNotFoundError):
            read(run.files.get())

    def test_a_storage_that_is_configured_no_more_is_named(
        self, run: ProgressTask, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with open_file(run.pk, "a.txt"):
            pass
        with override_settings(STORAGES={}):
            with pytest.raises(
                FileNotFoundError, match=r"'a.txt' is kept by STORAGES\[\"tws_admin"
            ):
                read(run.files.get())
            run.delete()
        assert "stays: the settings have no STORAGES['tws_admin']" in caplog.text
        assert not ProgressTask.objects.exists()
        assert len(files_in(folder)) == 1

    def test_files_of_the_database_are_read_after_a_storage_was_configured(
        self, run: ProgressTask
    ) -> None:
        with open_file(run.pk, "a.txt") as file:
            file.write("in the database")
        memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
        with override_settings(STORAGES={"tws_admin": memory}):
            assert isinstance(storages["tws_admin"], InMemoryStorage)
            assert content(run, "a.txt") == b"in the database"
            with open_file(run.pk, "a.txt") as file:
                file.write("in memory")
            assert run.files.get().content is None
            assert content(run, "a.txt") == b"in memory"
