"""From a click to a run."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db import connections
from django.http import QueryDict
from django.test import Client
from django.urls import path

from testapp.models import ChatMessage
from tests.tws_admin.operators import permit
from tests.tws_admin.progress.works import (
    Work,
    finish,
    messages,
    selection_of,
    staff,
    states,
)
from tws_admin.models import ProgressTask, TaskSelection
from tws_admin.progress import engines, submission
from tws_admin.progress.actions import progress_action
from tws_admin.progress.control import ask
from tws_admin.progress.transitions import Conflict

pytestmark = pytest.mark.django_db(transaction=True)


class Form(forms.Form):
    word = forms.CharField()


class ActsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    search_fields = ["text"]
    actions = ["touch", "ask", "fill", "few", "alone", "forbidden"]

    @progress_action(description="Touch selected %(verbose_name_plural)s", each=True)
    def touch(self, task: Any, message: ChatMessage) -> None:
        if message.text.startswith("bad"):
            raise ValueError("bad")

    @progress_action(confirm=True)
    def ask(self, task: Any, queryset: Any) -> None:
        pass

    @progress_action(form=Form)
    def fill(self, task: Any, queryset: Any) -> None:
        pass

    @progress_action(max_items=2)
    def few(self, task: Any, queryset: Any) -> None:
        pass

    @progress_action(single=True)
    def alone(self, task: Any, queryset: Any) -> None:
        if task.attempt == 1:
            raise ValueError

    @progress_action(permissions=["delete"])
    def forbidden(self, task: Any, queryset: Any) -> None:
        pass


site = admin.AdminSite(name="acts")
site.register(ChatMessage, ActsAdmin)
urlpatterns = [path("acts/", site.urls), path("admin/", admin.site.urls)]
URLS = pytest.mark.urls(__name__)
LIST = "/acts/testapp/chatmessage/?q=line"


@pytest.fixture
def olga() -> User:
    user = staff()
    permit(user, "view_chatmessage", "change_chatmessage")
    return user


@pytest.fixture
def browser(olga: User) -> Client:
    browser = Client()
    browser.force_login(olga)
    return browser


def click(browser: Client, action: str, made: list[ChatMessage], **more: Any) -> Any:
    data = {"action": action, "_selected_action": [each.pk for each in made], **more}
    return browser.post(LIST, data)


@URLS
def test_a_click_starts_the_work_and_leads_back_to_where_it_was(
    browser: Client, olga: User
) -> None:
    made = messages(3)
    answer = browser.post(
        LIST, {"action": "touch", "_selected_action": [made[0].pk, made[2].pk]}, follow=True
    )
    assert answer.redirect_chain == [(LIST, 302)]
    run = ProgressTask.objects.get()
    assert (run.title, run.state, run.engine) == (
        "Touch selected chat messages",
        "queued",
        "thread",
    )
    assert (run.site, run.model, run.action) == ("acts", "testapp.ChatMessage", "touch")
    assert (run.user, run.selected, run.total) == (olga, 2, 2)
    assert set(selection_of(run).keys) == {made[0].pk, made[2].pk}
    [message] = answer.context["messages"]
    assert f'<a href="/acts/tws_admin/progresstask/{run.pk}/change/">' in str(message)
    assert str(message).startswith("Started on 2 chat messages: ")
    assert states(finish(run)) == ["queued", "running", "succeeded"]


@URLS
def test_the_start_is_in_the_log_of_admin_actions(browser: Client, olga: User) -> None:
    click(browser, "touch", messages(1))
    entry = LogEntry.objects.get()
    run = ProgressTask.objects.get()
    assert (entry.user, entry.action_flag, entry.object_id) == (olga, ADDITION, str(run.pk))
    assert entry.get_change_message() == "Started for 1 object."


@URLS
def test_select_across_takes_what_the_list_shows(browser: Client) -> None:
    made = messages(150)
    ChatMessage.objects.create(author="olga", text="another")
    click(browser, "touch", made[:1], select_across="1")
    assert len(selection_of(ProgressTask.objects.get()).keys) == 150


@URLS
def test_too_many_are_refused_and_nothing_is_kept(browser: Client) -> None:
    answer = browser.post(
        LIST, {"action": "few", "_selected_action": [m.pk for m in messages(3)]}, follow=True
    )
    [message] = answer.context["messages"]
    assert str(message) == "This takes at most 2 objects at a time: select fewer."
    assert not TaskSelection.objects.exists()


@URLS
def test_who_has_not_got_the_permission_has_no_such_action(browser: Client) -> None:
    click(browser, "forbidden", messages(1))
    assert not ProgressTask.objects.exists()


@URLS
def test_a_hundred_times_the_same_post_is_one_run(browser: Client) -> None:
    made = messages(3)
    for _ in range(100):
        click(browser, "touch", made, csrfmiddlewaretoken="of one page")
    assert ProgressTask.objects.count() == 1
    assert LogEntry.objects.count() == 1
    answer = browser.get(LIST)
    assert str(list(answer.context["messages"])[-1]).startswith("This was sent before")


@URLS
def test_a_hundred_times_at_once_is_one_run_too(browser: Client) -> None:
    made = messages(3)
    cookies = browser.cookies

    def post() -> None:
        other = Client()
        other.cookies.update(cookies)  # its own: an answer adds to them while others read theirs
        try:
            for _ in range(25):
                click(other, "touch", made, csrfmiddlewaretoken="of one page")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ProgressTask.objects.count() == 1


@URLS
def test_another_page_selection_or_user_is_another_run(browser: Client) -> None:
    made = messages(3)
    click(browser, "touch", made, csrfmiddlewaretoken="first")
    click(browser, "touch", made, csrfmiddlewaretoken="second")
    click(browser, "touch", made[:1], csrfmiddlewaretoken="second")
    other = User.objects.create_superuser("other")
    browser.force_login(other)
    click(browser, "touch", made, csrfmiddlewaretoken="second")
    assert ProgressTask.objects.count() == 4
    click(browser, "touch", made)
    click(browser, "touch", made)
    assert ProgressTask.objects.count() == 6, "without a token nothing says that it is the same"


@URLS
@pytest.mark.parametrize("action", ["ask", "fill"])
def test_an_action_that_asks_first_leads_to_its_page_and_keeps_what_was_selected(
    browser: Client, olga: User, action: str
) -> None:
    made = messages(2)
    answer = click(browser, action, made)
    selection = TaskSelection.objects.get()
    target = urlsplit(answer["Location"])
    assert target.path == f"/acts/tws_admin/progresstask/{selection.pk}/start/"
    assert parse_qs(target.query) == {"next": [LIST]}
    assert (selection.user, len(selection.keys)) == (olga, 2)
    assert not ProgressTask.objects.exists()


@URLS
def test_only_one_at_a_time_when_the_action_says_so(browser: Client, olga: User) -> None:
    made = messages(1)
    click(browser, "alone", made)
    run = ProgressTask.objects.get()
    answer = browser.post(LIST, {"action": "alone", "_selected_action": [made[0].pk]}, follow=True)
    assert "“Alone” is at work already" in str(list(answer.context["messages"])[-1])
    assert ProgressTask.objects.count() == 1
    with pytest.raises(submission.AlreadyActiveError, match="at work already"):
        ActsAdmin.alone.start(ChatMessage.objects.all(), site="acts")

    assert finish(run).state == "failed"
    click(browser, "alone", made)
    second = ProgressTask.objects.exclude(pk=run.pk).get()
    run.refresh_from_db()
    with pytest.raises(Conflict):
        ask(run, "retry", olga)
    assert finish(second).state == "failed"
    run.refresh_from_db()
    ask(run, "retry", olga)
    assert finish(run).state == "succeeded"


def test_a_start_from_a_program_is_a_run_of_nobody() -> None:
    made = messages(2)
    work = Work(lambda task, queryset: None)
    run = work.start()
    assert (run.user, run.state, selection_of(run).keys) == (None, "queued", [m.pk for m in made])
    assert not LogEntry.objects.exists()
    assert work.start().pk != run.pk


def test_a_start_with_values_that_the_form_refuses_is_refused() -> None:
    work = Work(lambda task, queryset: None, form=Form)
    with pytest.raises(ValueError, match=r"the form does not accept params: \* word"):
        work.start(params={})
    messages(100_001)
    with pytest.raises(ValueError, match="expected at most 100000 objects"):
        work.start(params={"word": "x"})


def test_what_was_filled_in_is_kept_without_what_is_not_the_forms() -> None:
    work = Work(lambda task, queryset: {"said": task.params["word"]}, form=Form)
    selection = submission.select(work.model_admin, "act", [])
    data = QueryDict("word=hello&csrfmiddlewaretoken=secret&next=/x")
    run, created = submission.submit(selection, form_data=data)
    assert created
    assert run.params == {"word": ["hello"]}
    assert finish(run).result == {"said": "hello"}


def test_an_engine_that_does_not_take_it_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.MODULES, "celery", "tests.tws_admin.progress.refusing")
    engines.engine.cache_clear()
    try:
        run = Work(lambda task, queryset: None, engine="celery").start()
    finally:
        engines.engine.cache_clear()
    run.refresh_from_db()
    assert (run.state, run.failure) == ("failed", "ConnectionError: no broker")
