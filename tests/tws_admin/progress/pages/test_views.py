"""Who gets what of a run over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client, override_settings
from django.urls import reverse

from tests.tornado_websockets.visitors import logged_in
from tests.tws_admin.progress.runs import ago, make_run, staff
from tws_admin.models import ProgressTask, TaskFile, TaskSelection
from tws_admin.progress import access
from tws_admin.progress.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tws_admin.progress.runs")]

JSON = {"accept": "application/json"}

LOGIN = 302
SEEN = 200
DONE = 303
REFUSED = 403
HIDDEN = 404

WATCH = ["change", "state"]
MATRIX = {  # page, state, file, control by a form, control by a script
    "owner": [SEEN, SEEN, SEEN, DONE, SEEN],
    "owner_no_staff": [LOGIN] * 5,
    "owner_deactivated": [LOGIN] * 5,
    "staff": [HIDDEN] * 5,
    "viewer": [SEEN, SEEN, SEEN, REFUSED, REFUSED],
    "changer": [HIDDEN, HIDDEN, HIDDEN, DONE, SEEN],
    "viewer_and_changer": [SEEN, SEEN, SEEN, DONE, SEEN],
    "superuser": [SEEN, SEEN, SEEN, DONE, SEEN],
    "anonymous": [LOGIN] * 5,
}


def url(name: str, *args: Any) -> str:
    return reverse(f"office:tws_admin_progresstask_{name}", args=args)


def visitor(who: str, owner: User) -> Client:
    """Return the browser of somebody of the matrix."""
    permissions = {
        "viewer": ["view_progresstask"],
        "changer": ["change_progresstask"],
        "viewer_and_changer": ["view_progresstask", "change_progresstask"],
    }
    if who == "anonymous":
        return Client()
    if not who.startswith("owner"):
        is_superuser = who == "superuser"
        return logged_in(staff(who, *permissions.get(who, []), is_superuser=is_superuser))
    client = logged_in(owner)
    # After the login, as it happens.
    found = User.objects.filter(pk=owner.pk)
    if who == "owner_no_staff":
        found.update(is_staff=False)
    if who == "owner_deactivated":
        found.update(is_active=False)
    return client


@pytest.fixture
def olga() -> User:
    return staff("olga")


@pytest.fixture
def client(olga: User) -> Client:
    return logged_in(olga)


def ask(client: Client, run: ProgressTask, verb: str, **more: Any) -> Any:
    return client.post(url("control", run.pk), {"verb": verb, **more}, headers=JSON)


@pytest.mark.parametrize("who", MATRIX)
def test_who_may_do_what(who: str, olga: User) -> None:
    run = make_run(user=olga)
    TaskFile.objects.create(task=run, name="books.csv", content=b"a,b")
    client = visitor(who, olga)
    answers = [
        client.get(url("change", run.pk)).status_code,
        client.get(url("state", run.pk)).status_code,
        client.get(url("file", run.pk, "books.csv")).status_code,
        client.post(url("control", run.pk), {"verb": "pause"}).status_code,
    ]
    run.refresh_from_db()
    assert bool(run.wish) == (answers[3] == DONE)
    ProgressTask.objects.update(wish="")
    answers.append(ask(client, run, "pause").status_code)
    assert answers == MATRIX[who]


@pytest.mark.parametrize("who", ["owner", "staff", "viewer", "changer", "superuser"])
def test_what_is_hidden_is_as_what_is_not_there(who: str, olga: User) -> None:
    """Nobody finds out whether somebody else has a run."""
    run, client = make_run(user=None), visitor(who, olga)
    for page in ("change", "state", "control"):
        method = client.post if page == "control" else client.get
        hidden, missing = (method(url(page, pk)) for pk in (run.pk, uuid.uuid4()))
        if hidden.status_code == HIDDEN:
            assert hidden.content == missing.content
        assert missing.status_code == HIDDEN


def test_a_run_of_nobody_is_for_who_may_see_all(olga: User) -> None:
    run = make_run(user=None)
    assert visitor("owner", olga).get(url("state", run.pk)).status_code == HIDDEN
    assert visitor("viewer", olga).get(url("state", run.pk)).status_code == SEEN


# Control.


@pytest.mark.parametrize(
    ("state", "verb", "after"),
    [
        (State.RUNNING, "pause", "running"),
        (State.PAUSED, "resume", "queued"),
        (State.QUEUED, "cancel", "cancelled"),
        (State.FAILED, "retry", "queued"),
    ],
)
def test_a_script_gets_the_row_as_it_is_then(
    client: Client, olga: User, state: State, verb: str, after: str
) -> None:
    run = make_run(state, user=olga)
    answer = ask(client, run, verb)
    assert answer.status_code == SEEN
    assert answer.json()["task"]["id"] == str(run.pk)
    assert answer.json()["task"]["state"] == after
    assert "error" not in answer.json()


def test_a_form_leads_back_with_a_message(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    data = {"verb": "cancel", "next": "/office/auth/group/?p=1"}
    answer = client.post(url("control", run.pk), data)
    assert (answer.status_code, answer["Location"]) == (DONE, "/office/auth/group/?p=1")
    [message] = get_messages(answer.wsgi_request)
    assert str(message) == f"{run.title}: cancelling…"


@pytest.mark.parametrize("next_", ["", "https://evil.example/", "//evil.example", "javascript:1"])
def test_it_leads_nowhere_else(client: Client, olga: User, next_: str) -> None:
    run = make_run(user=olga)
    answer = client.post(url("control", run.pk), {"verb": "pause", "next": next_})
    assert answer["Location"] == url("change", run.pk)


def test_what_does_not_fit_is_a_conflict(client: Client, olga: User) -> None:
    run = make_run(State.SUCCEEDED, user=olga)
    answer = ask(client, run, "cancel")
    assert answer.status_code == 409
    assert answer.json()["error"] == "It cannot be cancelled any more: succeeded."
    assert answer.json()["task"]["state"] == "succeeded"
    plain = client.post(url("control", run.pk), {"verb": "cancel"}, follow=True)
    assert "It cannot be cancelled any more" in plain.content.decode()


def test_who_may_only_watch_is_told_so(olga: User) -> None:
    run = make_run(user=olga)
    answer = ask(visitor("viewer", olga), run, "cancel")
    assert answer.json()["error"] == "You may only watch this task."
    assert ProgressTask.objects.get().state == "running"


@pytest.mark.parametrize("verb", ["", "explode", "__class__"])
def test_a_verb_that_there_is_not(client: Client, olga: User, verb: str) -> None:
    run = make_run(user=olga)
    answer = ask(client, run, verb)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected one of pause, resume, cancel")
    assert client.post(url("control", run.pk), {"verb": verb}).status_code == DONE


def test_failed_objects_are_tried_again_in_a_run_of_their_own(client: Client, olga: User) -> None:
    run = make_run(State.PARTIAL, user=olga, error_count=1)
    TaskSelection.objects.create(
        pk=run.pk, keys=[1, 2], failed=[2], site=run.site, model=run.model, action=run.action
    )
    answer = ask(client, run, "retry_failed")
    assert answer.status_code == SEEN
    again = ProgressTask.objects.get(retry_of=run)
    assert answer.json()["task"]["id"] == str(again.pk)


def test_it_takes_a_token_and_a_post(olga: User) -> None:
    run = make_run(user=olga)
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)
    assert client.post(url("control", run.pk), {"verb": "cancel"}).status_code == REFUSED
    assert client.get(url("control", run.pk)).status_code == 405
    for name in ("state", "change"):
        assert client.get(url(name, run.pk)).status_code == SEEN
        assert client.post(url(name, run.pk)).status_code == REFUSED
    assert ProgressTask.objects.get().state == "running"


def test_what_is_asked_is_in_the_log_of_the_admin(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    ask(client, run, "cancel")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.action_flag) == (olga, str(run.pk), CHANGE)
    # The index of the admin links it to the page.
    assert str(entry.get_admin_url()).endswith(f"/{run.pk}/change/")


# States.


def test_scripts_get_what_their_websocket_would_send(client: Client, olga: User) -> None:
    active = make_run(user=olga, created_s=5)
    recent = make_run(State.LOST, user=olga, ended_at=ago(3500), created_s=4000)
    make_run(State.LOST, user=olga, ended_at=ago(3700))
    make_run(user=staff("otto"))
    found = client.get(url("states")).json()
    assert [row["id"] for row in found["tasks"]] == [str(active.pk), str(recent.pk)]
    assert found["time"] > 0
    assert client.get(f"{url('states')}?all=1").status_code == REFUSED


def test_everybody_s_are_for_who_may_see_them(olga: User) -> None:
    runs = [make_run(user=olga), make_run(user=None, created_s=5)]
    client = visitor("viewer", olga)
    found = client.get(f"{url('states')}?all=1").json()["tasks"]
    assert [row["id"] for row in found] == [str(run.pk) for run in runs]
    assert client.get(url("states")).json()["tasks"] == []


def test_rows_have_nothing_heavy_and_cost_one_query(
    client: Client, olga: User, django_assert_num_queries: Any
) -> None:
    for _number in range(20):
        make_run(user=olga, result={"much": "x"})
    with django_assert_num_queries(5):  # the session, its user, permissions by two ways, the rows
        found = client.get(url("states")).json()["tasks"]
    assert len(found) == 20
    assert "result" not in found[0]


# Files.


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("books.csv", "text/plain; charset=utf-8"),
        ("page.html", "text/plain; charset=utf-8"),
        ("script.js", "text/plain; charset=utf-8"),
        ("image.svg", "application/octet-stream"),
        ("book.pdf", "application/octet-stream"),
        ("noname", "application/octet-stream"),
        ("100 % été & \"so\".txt", "text/plain; charset=utf-8"),
    ],
)  # fmt: skip
def test_a_file_is_saved_and_never_shown(
    client: Client, olga: User, name: str, content_type: str
) -> None:
    run = make_run(user=olga)
    TaskFile.objects.create(task=run, name=name, content=b"<script>1</script>", size=18)
    answer = client.get(url("file", run.pk, name))
    assert answer.getvalue() == b"<script>1</script>"
    assert answer["Content-Type"] == content_type
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_file_that_there_is_not(client: Client, olga: User) -> None:
    run, other = make_run(user=olga), make_run(user=olga)
    TaskFile.objects.create(task=other, name="books.csv", content=b"a")
    assert client.get(url("file", run.pk, "books.csv")).status_code == HIDDEN
    base = url("change", run.pk).removesuffix("change/")
    for path in ("..%2f..%2fsettings.py", "a%00b", "%ff"):
        assert client.get(f"{base}files/{path}", follow=True).status_code == HIDDEN


def test_a_file_whose_storage_is_gone(client: Client, olga: User) -> None:
    run = make_run(user=olga)
    TaskFile.objects.create(task=run, name="books.csv", stored="tws_admin/somewhere")
    assert client.get(url("file", run.pk, "books.csv")).status_code == HIDDEN


# Translations.


def test_all_staff_get_the_translations(client: Client) -> None:
    with override_settings(LANGUAGE_CODE="fr"):
        page = client.get(url("jsi18n"))
    assert page["Content-Type"].startswith("text/javascript")
    assert "en cours" in page.content.decode()


def test_nobody_else_who_enters_has_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a site for others than staff."""
    from tests.tws_admin.progress.runs import office

    monkeypatch.setattr(office, "has_permission", lambda request: True)
    user = staff("customer", is_staff=False, is_superuser=True)
    run = make_run(user=user)
    client = logged_in(user)
    assert not access.attends(user)
    assert client.get(url("states")).json()["tasks"] == []
    assert client.get(url("state", run.pk)).status_code == HIDDEN
    assert client.get(url("changelist")).status_code == REFUSED
