"""The examples of the documentation run, in a project that is made of them.

A block below ``<!-- file: chat/views.py -->`` is that file; several blocks for one file follow each
other in it. The project is one of ``startproject``, and Django's own runner tests it: with the
tests that the documentation shows, and with those of `project/tests.py` for the rest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

DRIVERS = Path(__file__).parent / "project" / "tests.py"
APPS = ("chat", "jobs", "drivers")

# What a reader has done before: the apps stand in INSTALLED_APPS.
INSTALLED = f"\nINSTALLED_APPS += {['tornado_websockets', 'tws_admin', *APPS]}\n"

# In memory, where Django puts it, SQLite lets no thread wait for another: who comes while a row is
# written gets "database table is locked" at once.
IN_A_FILE = "DATABASES['default']['TEST'] = {'NAME': BASE_DIR / 'test.sqlite3'}\n"


def manage(folder: Path, *arguments: str) -> str:
    """Run a command of the project, with warnings as errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": str(ROOT),
            "TORNADO_PORT": "8123",
            "METRICS_TOKEN": "only-for-the-tests",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documentation")
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "mysite", str(folder)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        check=True,
        timeout=60,
    )
    for app in APPS:
        (folder / app).mkdir()
        (folder / app / "__init__.py").touch()
    with (folder / "mysite" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(INSTALLED + IN_A_FILE)
    for block in blocks("python", "html"):
        if block.file is not None:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(block.code)
    shutil.copy(DRIVERS, folder / "drivers" / "tests.py")
    manage(folder, "makemigrations", "chat")
    return folder


def test_the_examples_are_a_sound_project(project: Path) -> None:
    assert "no issues" in manage(project, "check")


def test_the_examples_do_what_the_documentation_says(project: Path) -> None:
    assert "FAILED" not in manage(project, "test", "--pattern", "tests*.py")


def test_every_example_is_driven() -> None:
    """A WebSocket of an example is connected to, by the tests of the pages or by the drivers."""
    examples = [block for block in blocks("python") if block.file]
    tests = DRIVERS.read_text() + "".join(
        block.code for block in examples if block.file and "tests" in block.file
    )
    paths = {
        path for block in examples for path in re.findall(r'= WebSocket\("([^"]*)"', block.code)
    }
    assert paths
    assert {path for path in paths if f'connect("{path}"' not in tests} == set()
