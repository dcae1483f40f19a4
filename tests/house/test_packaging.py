"""The wheel and the sdist hold what they should, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

import tornado_websockets

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("tornado_websockets", "tws_admin")
STRAY = re.compile(
    r"(^|/)(\.venv[^/]*|\.git[^/]*|__pycache__|node_modules|[^/]*_cache|\.env)(/|$)|^(build|dist)/"
    r"|\.(pyc|sqlite3|coverage)$"
)


@dataclass(frozen=True)
class Built:
    """The two archives, as their members' names; the sdist's without its top folder."""

    source: Path  # the tree that they were built from
    wheel: set[str]
    sdist: set[str]
    metadata: Message


def files_of_the_tree() -> list[str]:
    """List the files that a clone has, or is about to have: tracked, or new and not ignored."""
    if not (ROOT / ".git").exists():  # an unpacked sdist: it has only such files
        return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("packaging")
    tree, dist = folder / "tree", folder / "dist"
    for name in files_of_the_tree():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    make_a_mess(tree)
    # Without isolation the build needs no network; the wheel is built from the sdist.
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(tree)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = dist.glob("*.whl")
    (sdist,) = dist.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        members = set(archive.namelist())
        (metadata,) = (name for name in members if name.endswith(".dist-info/METADATA"))
        parsed = Parser().parsestr(archive.read(metadata).decode())
    with tarfile.open(sdist) as archive_of_source:
        names = (member.name for member in archive_of_source.getmembers() if member.isfile())
        return Built(tree, members, {name.partition("/")[2] for name in names}, parsed)


def make_a_mess(tree: Path) -> None:
    """Leave what work leaves in a checkout."""
    for name in (
        ".env",
        ".venv/bin/python",
        ".venv-matrix/oldest/pyvenv.cfg",
        "db.sqlite3",
        "testapp/db.sqlite3",
        "testapp/.env",
        "tornado_websockets/__pycache__/x.cpython-311.pyc",
        "tests/house/__pycache__/x.cpython-311.pyc",
        "tests/js/node_modules/x/index.js",
        ".mypy_cache/x",
    ):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def below(tree: Path, folder: str) -> set[str]:
    """List the files of the tree below a folder that belong into an archive."""
    files = (path for path in (tree / folder).rglob("*") if path.is_file())
    names = {path.relative_to(tree).as_posix() for path in files}
    return {name for name in names if not STRAY.search(name)}


def test_the_wheel_holds_the_packages_whole(built: Built) -> None:
    """Code, type marker, static files, their types, templates, translations: every file."""
    expected = {name for package in PACKAGES for name in below(built.source, package)}
    assert {name for name in built.wheel if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    [
        "tornado_websockets/py.typed",
        "tornado_websockets/static/tornado_websockets/client.js",
        "tornado_websockets/static/tornado_websockets/client.mjs",
        "tornado_websockets/static/tornado_websockets/client.d.ts",
        "tornado_websockets/static/tornado_websockets/client.d.mts",
        "tornado_websockets/static/tornado_websockets/modules/progress_bar.js",
        "tornado_websockets/static/tornado_websockets/modules/progress_bar.mjs",
        "tornado_websockets/static/tornado_websockets/modules/progress_bar.d.ts",
        "tornado_websockets/static/tornado_websockets/modules/progress_bar.d.mts",
        "tornado_websockets/management/commands/runtornado.py",
    ],
)
def test_the_wheel_holds(built: Built, name: str) -> None:
    """What users reach by its name is there."""
    assert name in built.wheel


def test_the_wheel_holds_no_other_package(built: Built) -> None:
    """No tests, no example: nothing that would land beside other packages."""
    tops = {name.partition("/")[0] for name in built.wheel}
    (about,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops - {about} <= set(PACKAGES)
    assert "tornado_websockets" in tops


def test_both_carry_the_licence(built: Built) -> None:
    """The licence travels with each copy."""
    assert "LICENSE" in built.sdist
    assert [name for name in built.wheel if re.search(r"\.dist-info/(licenses/)?LICENSE$", name)]


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run",
        ".env.example",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
        "README.md",
        "manage.py",
        "pyproject.toml",
        "scripts/find-python",
        "scripts/install-system-tools",
        "setup.cfg",
    ],
)
def test_the_sdist_holds(built: Built, name: str) -> None:
    """From the sdist alone the project can be worked on."""
    assert name in built.sdist


@pytest.mark.parametrize("folder", [*PACKAGES, "benchmarks", "docs", "scripts", "testapp", "tests"])
def test_the_sdist_holds_the_folder_whole(built: Built, folder: str) -> None:
    """Every file of the folder that is in the repository is in the sdist, and no other."""
    assert {name for name in built.sdist if name.startswith(f"{folder}/")} == below(
        built.source, folder
    )


def test_nothing_stray_is_packed(built: Built) -> None:
    """What work leaves behind stays behind, with what is secret in it."""
    assert [name for name in built.wheel | built.sdist if STRAY.search(name)] == []


def test_the_metadata_say_what_is_supported(built: Built) -> None:
    """Name, version, licence and requirements are those that are documented."""
    metadata = built.metadata
    assert metadata["Name"] == "django-tornado-websockets"
    assert metadata["Version"] == tornado_websockets.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert "MIT" in {metadata["License"], metadata["License-Expression"]}
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.split(r"[^\w-]", line)[0].lower() for line in required} == {
        "django",
        "django-environ",
        "tornado",
    }


def test_every_extra_is_there(built: Built) -> None:
    """Each documented extra exists, and an environment marker stays with its own line."""
    assert set(built.metadata.get_all("Provides-Extra", [])) == {
        *("docs", "prometheus", "redis", "speedups", "tasks", "test")
    }
    speedups = [line for line in built.metadata.get_all("Requires-Dist", []) if "speedups" in line]
    assert ["platform_system" in line for line in sorted(speedups)] == [False, True]
