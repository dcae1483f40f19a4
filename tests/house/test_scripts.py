"""The scripts that set up a fresh checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TOOLS = ["awk", "cat", "date", "dirname", "env", "find", "grep", "id", "ls", "sh", "sort"]


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / script), *arguments],
        env={"HOME": "/nonexistent", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def links(folder: Path, **targets: str) -> str:
    """Make a folder that, as PATH, offers the usual tools and the given programs, no others."""
    folder.mkdir(exist_ok=True)
    for name in set(TOOLS) - targets.keys():
        target = shutil.which(name)
        assert target is not None, f"{name} is not installed"
        (folder / name).symlink_to(target)
    for name, target in targets.items():
        executable(folder / name, f'#!/bin/sh\n{target} "$@"\n')
    return str(folder)


def real_python() -> str:
    """Name the interpreter itself, which, unlike a venv's, lives on when the venv is made anew."""
    return os.path.realpath(sys.executable)


def minor_version(path: str) -> str:
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_find_python_finds_a_version_on_path(tmp_path: Path) -> None:
    """An interpreter on PATH is found by its minor version, past a shim that does not work."""
    executable(tmp_path / "shims" / f"python{HERE}", "#!/bin/sh\nexit 127\n")
    path = links(tmp_path / "bin", **{f"python{HERE}": real_python()})
    done = run("find-python", HERE, PATH=f"{tmp_path / 'shims'}:{path}")
    assert done.returncode == 0
    assert minor_version(done.stdout.strip()) == HERE


def test_find_python_finds_a_version_of_pyenv(tmp_path: Path) -> None:
    """pyenv's versions are found where they are, although not on PATH."""
    executable(
        tmp_path / f"versions/{HERE}.9/bin/python", f'#!/bin/sh\nexec {real_python()} "$@"\n'
    )
    path = links(tmp_path / "bin")
    done = run("find-python", HERE, PATH=path, PYENV_ROOT=str(tmp_path))
    assert done.returncode == 0
    assert minor_version(done.stdout.strip()) == HERE


def test_find_python_takes_what_is_there(tmp_path: Path) -> None:
    """Without a wanted version, a python3 that is new enough will do."""
    done = run("find-python", PATH=links(tmp_path / "bin", python3=real_python()))
    assert done.returncode == 0
    assert minor_version(done.stdout.strip()) == HERE


@pytest.mark.parametrize("arguments", [[], ["3.11"]])
def test_find_python_is_silent_when_there_is_none(arguments: list[str], tmp_path: Path) -> None:
    """It prints nothing and fails: the caller says what that means."""
    done = run("find-python", *arguments, PATH=links(tmp_path / "bin"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_find_python_does_not_take_another_version(tmp_path: Path) -> None:
    """A program named python3.99 that is not Python 3.99 is passed over."""
    path = links(tmp_path / "bin", **{"python3.99": real_python()})
    assert run("find-python", "3.99", PATH=path).returncode == 1


def test_install_system_tools_is_quiet_when_all_is_there(tmp_path: Path) -> None:
    """A second run costs and says nothing."""
    tools = ("chromium", "node", "pg_ctlcluster", "redis-server")
    path = links(tmp_path / "bin", **dict.fromkeys(tools, "true"))
    done = run("install-system-tools", PATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_install_system_tools_installs_what_is_missing(tmp_path: Path) -> None:
    """Where it may, it gets the missing packages, and only those, without a question."""
    tools = ("node", "pg_ctlcluster", "redis-server")
    path = links(tmp_path / "bin", id="echo 0 #", **dict.fromkeys(tools, "true"))
    executable(
        tmp_path / "bin/apt-get",
        f"""#!/bin/sh
echo "$DEBIAN_FRONTEND $@" >>{tmp_path}/log
case "$*" in *install*) cp {path}/node {path}/chromium ;; esac
""",
    )
    (tmp_path / "bin/cp").symlink_to(str(shutil.which("cp")))
    done = run("install-system-tools", PATH=path)
    assert done.returncode == 0
    assert "MISSING" not in done.stderr
    update, install = (tmp_path / "log").read_text().splitlines()
    assert update.startswith("noninteractive")
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends chromium")


def test_install_system_tools_says_loudly_what_it_may_not_install(tmp_path: Path) -> None:
    """Without the right to install, the run goes on, and names what is missing."""
    tools = {"node": "true", "id": "echo 1000 #", "sudo": "false", "apt-get": "false"}
    path = links(tmp_path / "bin", **tools)
    done = run("install-system-tools", PATH=path)
    assert done.returncode == 0
    assert "MISSING: chromium postgresql redis-server" in done.stderr


def test_the_javascript_tests_fail_loudly_without_node_under_ci(tmp_path: Path) -> None:
    """A machine without Node passes by hand, loudly; it does not pass in CI."""
    path = links(tmp_path / "bin")
    by_hand, in_ci = run("test-js", PATH=path), run("test-js", PATH=path, CI="true")
    assert "SKIPPED: the JavaScript tests" in by_hand.stderr
    assert (by_hand.returncode, in_ci.returncode) == (0, 1)


@pytest.mark.parametrize(
    "failing",
    [
        "",
        "-m browser",
        "browser tests/integration --ignore",
        "browser tests/integration/test_engines.py",
        "browser --ignore tests/integration",
    ],
)
def test_the_python_tests_fail_when_any_part_does(tmp_path: Path, failing: str) -> None:
    """Those that drive a browser, run servers or workers are beside: one failure fails all."""
    fake = tmp_path / "coverage"
    program = f'case "$*" in *"{failing or "nothing"}"*) exit 3;; esac; echo "ran: $*"'
    executable(fake, f"#!/bin/sh\n{program}\n")
    done = run("test-python", PATH=os.environ["PATH"], COVERAGE=str(fake))
    assert (done.returncode != 0) == bool(failing)
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran: ")]
    assert len(ran) == (3 if failing else 4)


def test_what_is_given_to_the_python_tests_goes_to_one_run(tmp_path: Path) -> None:
    """With arguments there is one run, of what they choose."""
    fake = tmp_path / "coverage"
    executable(fake, '#!/bin/sh\necho "ran: $*"\n')
    done = run("test-python", "-k", "chat", PATH=os.environ["PATH"], COVERAGE=str(fake))
    assert done.stdout == "ran: run -m pytest -k chat\n"
