"""A Django project outside the checkout, which has the wheel installed and runs the examples."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.process import ServerProcess

COMMAND_TIMEOUT_S = 60

NUMBER_OF_THE_EXAMPLES: Final = 1337
"""The port in the examples; another number takes its place where it is in use."""

# What the documentation leaves to its reader: an object that has a method for an event, two URLs.
OBJECT = "MyClass()\n"
URLS = """
from django.http import HttpResponse
from django.shortcuts import render

from app import views

def page(request, name):
    return render(request, f"{name}.html")

def answer(request):
    views.my_ws.broadcast("my_event", {"answer": 42})
    return HttpResponse("sent")

urlpatterns += [path("page/<name>/", page), path("answer/", answer)]
"""
PAGE = """<!doctype html><title>Example</title><link rel="icon" href="data:,">
{client}<script>
{script}</script>
"""


def read_examples() -> dict[str, str]:
    """Return the examples of documentation.md by the section that each belongs to."""
    text = Path(__file__).with_name("documentation.md").read_text(encoding="utf-8")
    blocks = re.finditer(r"^## (.+): \S.*\n\n```\w+\n((?s:.*?))^```$", text, re.MULTILINE)
    examples = {block[1]: block[2] for block in blocks}
    assert len(examples) == text.count("\n## "), "a heading of documentation.md has no example"
    return examples


EXAMPLES: Final = read_examples()


class Project:
    """What ``startproject`` and ``startapp`` make, with examples written into it.

    Args:
        directory: where the project is to be made.
        python: interpreter of an environment which has the wheel and Django.
        port: what becomes of the port in the examples.
    """

    # The suite has Django settings and a path of imports of its own.
    environment: Final = {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": ""}

    def __init__(self, directory: Path, python: Path, port: int) -> None:
        self.directory = directory
        self.python = python
        self.port = port
        directory.mkdir()
        self.run("-m", "django", "startproject", "mysite", ".")
        self.run("manage.py", "startapp", "app")

    def write_settings(self, section: str) -> None:
        """Install the apps as in the example, and append another example to the settings."""
        path = self.directory / "mysite/settings.py"
        written, found = re.subn(
            r"^INSTALLED_APPS = \[\n((?s:.*?))^\]\n",
            lambda match: EXAMPLES["Django integration"].replace(
                "    # ...\n", f"{match[1]}    'app',\n"
            ),
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        assert found == 1
        path.write_text(written + self._with_port(EXAMPLES[section]), encoding="utf-8")

    def write_views(self, *examples: str) -> None:
        """Make the app's views of examples, one behind the other."""
        views = "\n\n".join([*examples, OBJECT])
        (self.directory / "app/views.py").write_text(views, encoding="utf-8")

    def write_pages(self, scripts: Mapping[str, str]) -> None:
        """Make a page of each script, by its name, that links the client as in the example."""
        templates = self.directory / "app/templates"
        templates.mkdir()
        client = EXAMPLES["Linking the client into a template"]
        for name, script in scripts.items():
            page = PAGE.format(client=client, script=self._with_port(script))
            (templates / f"{name}.html").write_text(page, encoding="utf-8")
        with (self.directory / "mysite/urls.py").open("a", encoding="utf-8") as urls:
            urls.write(URLS)

    def run(self, *arguments: str) -> str:
        """Run the interpreter, warnings as errors, and return what it prints."""
        done = subprocess.run(
            [self.python, "-W", "error", *arguments],
            cwd=self.directory,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self, *arguments: str) -> ServerProcess:
        """Start ``manage.py runtornado`` with these arguments."""
        return ServerProcess(
            *("runtornado", *arguments),
            directory=self.directory,
            log=self.directory / f"runtornado{''.join(arguments)}.log",
            environment=self.environment,
            python=str(self.python),
        )

    def _with_port(self, example: str) -> str:
        return example.replace(str(NUMBER_OF_THE_EXAMPLES), str(self.port))
