"""What the page on progress tasks says is what the code does: options, handle, states, limits."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from typing import Any

from django.contrib.auth import get_permission_codename
from django.core.management import CommandParser, load_command_class

from tests.docs.pages import code, page
from tws_admin import conf
from tws_admin.models import ProgressTask
from tws_admin.progress import access, files, history, transitions
from tws_admin.progress.options import Options
from tws_admin.progress.pages import frame, words
from tws_admin.progress.states import TRANSITIONS
from tws_admin.progress.work import task
from tws_admin.progress.work.task import KEEP, Task

PAGE = page("progress-tasks.md")


def test_every_option_is_documented_with_its_default() -> None:
    rows = PAGE.table("Option", "Default", "What it is")
    documented = {code(name)[0]: default for name, default, _ in rows}
    fields = {field.name: field.default for field in dataclasses.fields(Options)}
    assert documented.keys() == fields.keys()
    for name in fields.keys() - {"description", "description_plural"}:  # said in words
        assert ast.literal_eval(code(documented[name])[0]) == fields[name], name


def written(method: Any) -> str:
    """Return the parameters of a method as the page has them."""
    parts = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "…" if parameter.default is KEEP else repr(parameter.default).replace("'", '"')
        is_needed = parameter.default is parameter.empty
        parts.append(parameter.name if is_needed else f"{parameter.name}={default}")
    return ", ".join(parts)


def test_every_method_of_the_handle_is_documented_with_its_arguments() -> None:
    calls = {code(name)[0] for name, _ in PAGE.table("Name", "What it does")}
    of_the_engine = {"ask", "take_up"}
    methods = {
        f"task.{name}({written(method)})"
        for name, method in vars(Task).items()
        if inspect.isfunction(method) and not name.startswith("_") and name not in of_the_engine
    }
    assert {call for call in calls if "(" in call} == methods


def test_every_attribute_of_the_handle_is_there() -> None:
    run = ProgressTask(attempt=3)
    handle = Task(run, user=None, params={}, leaves=True)
    for name, _ in PAGE.table("Name", "What it does"):
        assert hasattr(handle, code(name)[0].removeprefix("task.").partition("(")[0])


def test_every_state_is_documented_with_what_may_follow() -> None:
    documented = {
        code(state)[0]: set(code(following))
        for state, _, following in PAGE.table("State", "What it means", "May become")
    }
    assert documented == {
        str(state): {str(each) for each in following} for state, following in TRANSITIONS.items()
    }


def test_every_permission_is_documented() -> None:
    names = set(re.findall(r"`(tws_admin\.\w+_progresstask)`", PAGE.text))
    options: Any = ProgressTask._meta
    codenames = (get_permission_codename(each, options) for each in options.default_permissions)
    assert names == {f"tws_admin.{codename}" for codename in codenames}
    assert names == {access.VIEW, access.CHANGE, access.DELETE}


def test_every_argument_of_the_command_is_documented() -> None:
    parser = CommandParser(add_help=False)
    load_command_class("tws_admin", "tws_prune").add_arguments(parser)
    names = {name for action in parser._actions for name in action.option_strings}
    documented = PAGE.table("Argument", "What it does")
    assert {code(row[0])[0] for row in documented} == names


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(PAGE.text.split())
    limits = conf.Config().history
    assert f"deleted after {limits['days']} days, and beyond the newest 1 000" in text
    assert limits["count"] == 1000
    assert f"in portions of {history.BATCH}" in text
    assert f"up to {files.MAX_BYTES // 2**20} MiB are kept" in text
    assert f"1 to {files.NAME_MAX_LENGTH} characters" in text
    assert task.MAX_ERRORS == 100
    assert "their first hundred shown" in text
    assert task.MAX_NOTES == 1000
    assert "at most 1 000 in one attempt" in text
    assert frame.CARD_FOR.total_seconds() == 600
    assert "stay for ten minutes" in text
    assert words.UNANSWERED_AFTER_S == 30
    assert "after half a minute that the work does not ask" in text
    assert words.STALLED_AFTER_S == 60
    assert "No progress for a minute" in text
    assert transitions.LOST_AFTER_S < 30
