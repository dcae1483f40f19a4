"""Django's log of admin actions."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry

from tests.tws_admin.progress.works import staff
from tws_admin.models import ProgressTask
from tws_admin.progress import log

pytestmark = pytest.mark.django_db


def test_it_says_who_has_started_and_asked_what() -> None:
    user = staff()
    run = ProgressTask.objects.create(site="a", model="b.C", action="d", title="Draw", selected=2)
    log.started(run, user)
    for verb in log.SENTENCES:
        log.asked(run, verb, user)
    first, *others = LogEntry.objects.order_by("pk")
    assert (first.user, first.action_flag, first.object_repr) == (user, ADDITION, "Draw")
    assert first.object_id == str(run.pk)
    assert first.get_change_message() == "Started for 2 objects."
    assert {entry.action_flag for entry in others} == {CHANGE}
    assert len({entry.get_change_message() for entry in others}) == len(log.SENTENCES)


def test_what_no_user_has_done_is_not_in_it() -> None:
    run = ProgressTask.objects.create(site="a", model="b.C", action="d", title="Draw")
    log.started(run, None)
    log.asked(run, "cancel", None)
    assert not LogEntry.objects.exists()
