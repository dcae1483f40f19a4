"""Where runs are executed; each engine carries the id of a run to `runner.execute`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from tornado_websockets.rules import Problem
from tws_admin import conf
from tws_admin.progress.states import State

if TYPE_CHECKING:
    from tws_admin.models import ProgressTask
    from tws_admin.progress.actions import ProgressAction

__all__ = ["Engine", "engine", "name_of", "submit"]

logger = logging.getLogger("tws_admin")

# By names that the settings know (`rules.ENGINES`); imported when used, as they may need what is
# not installed.
MODULES: Final[Mapping[str, str]] = {
    "thread": "tws_admin.progress.engines.thread",
    "django": "tws_admin.progress.engines.django",
    "celery": "tws_admin.progress.engines.celery",
}


class Engine(Protocol):
    """What a module of an engine has, as its ``engine``."""

    def submit(self, run_id: str) -> None:
        """Let `runner.execute` be called with this id, soon, elsewhere; must not wait for it.

        Whatever it raises fails the run, with its words.
        """

    def problems(self) -> Iterator[Problem]:
        """Yield what keeps it from working as it is installed and set up."""


@functools.cache
def engine(name: str) -> Engine:
    """Return an engine by its name.

    Raises:
        ImportError: what it needs is not installed.
    """
    found: Engine = import_module(MODULES[name]).engine
    return found


def name_of(action: ProgressAction) -> str:
    """Return the name of the engine that an action's runs go to."""
    return action.options.engine or conf.get().engine


def submit(run: ProgressTask) -> None:
    """Hand a run that is queued to its engine; it fails when that does not take it."""
    # It needs models, which are not there yet when the checks are registered.
    from tws_admin.progress.transitions import become

    try:
        engine(run.engine).submit(str(run.pk))
    except Exception as error:
        logger.exception("the engine %r does not take progress task %s", run.engine, run.pk)
        failure = f"{type(error).__name__}: {error}"
        become(run, State.FAILED, sources=(State.QUEUED,), failure=failure)
