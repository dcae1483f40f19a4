"""Settings from the environment, read by a process of its own."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tornado_websockets import conf, env

READ = "from django.conf import settings; print({})"


def read(
    expression: str, *, directory: Path = settings.BASE_DIR, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Evaluate an expression about the example's settings with these environment variables."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(settings.BASE_DIR),
        "DJANGO_SETTINGS_MODULE": "testapp.settings",
        "DEBUG": "True",
        "SECRET_KEY": "",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", READ.format(expression)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_debug_process_without_a_key_makes_a_random_one() -> None:
    first, second = (read("settings.SECRET_KEY").stdout.strip() for _ in range(2))
    assert len(first) >= 50
    assert first != second


def test_a_random_key_outlives_the_auto_reloader() -> None:
    """The reloader starts a new process in the environment of the old one."""
    expression = "settings.SECRET_KEY == __import__('os').environ['SECRET_KEY']"
    assert read(expression).stdout == "True\n"


def test_a_server_that_is_not_for_debugging_needs_a_key() -> None:
    result = read("settings.SECRET_KEY", DEBUG="False")
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr
    assert read("settings.SECRET_KEY", DEBUG="False", SECRET_KEY="given").stdout == "given\n"


def test_hosts_may_be_separated_by_commas_and_spaces() -> None:
    result = read("settings.ALLOWED_HOSTS", ALLOWED_HOSTS="example.org, 192.0.2.1")
    assert result.stdout == "['example.org', '192.0.2.1']\n"
    assert read("settings.ALLOWED_HOSTS", ALLOWED_HOSTS="").stdout == "[]\n"


def test_the_server_is_configured_by_the_environment() -> None:
    assert read("settings.TORNADO", TORNADO_PORT="9000").stdout == "{'port': 9000}\n"


def test_the_database_is_beside_manage_py_whatever_the_directory_is_called(tmp_path: Path) -> None:
    checkout = tmp_path / "a+b 50%25 ü"
    (checkout / "testapp").mkdir(parents=True)
    for name in ("__init__.py", "settings.py"):
        shutil.copy(settings.BASE_DIR / "testapp" / name, checkout / "testapp")
    code = (
        "__import__('os').environ.pop('DATABASE_URL', None), settings.DATABASES['default']['NAME']"
    )
    result = read(code, directory=checkout)
    assert str(checkout / "db.sqlite3") in result.stdout, result.stderr


def test_a_file_beside_manage_py_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "testapp").mkdir()
    for name in ("__init__.py", "settings.py"):
        shutil.copy(settings.BASE_DIR / "testapp" / name, tmp_path / "testapp")
    (tmp_path / ".env").write_text("TORNADO_PORT=9001\n")
    assert read("settings.TORNADO['port']", directory=tmp_path).stdout == "9001\n"


def test_the_example_file_documents_every_variable_with_its_default() -> None:
    example = (settings.BASE_DIR / ".env.example").read_text()
    documented = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"} <= documented.keys()
    for name, (section, key, parse) in env.VARIABLES.items():
        owner = conf.Limits if section else conf.Config
        default = next(field.default for field in dataclasses.fields(owner) if field.name == key)
        if default not in (None, ()):  # nothing stands for no file, and for nobody
            assert parse(documented[name]) == default, name
        assert name in documented
