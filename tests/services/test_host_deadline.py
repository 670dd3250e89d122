"""The host is asked in a thread of its own and not waited for longer than PORTAL_HOST_DEADLINE. What does not answer
refuses: nothing is changed, nothing typed is lost, and no number of hanging calls can pile up.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from flask import Flask, current_app, g, has_request_context, request, session

from portal_plugin import NotAnswered, Portal, Refused
from portal_plugin.services.asking import MOST_OVERDUE
from portal_plugin.testing import captured
from tests.practices import practice
from tests.services.steps import act, free_times, invite, snapshot
from tests.support import PEOPLE, STEP_2, TUESDAY_TEN, Host, filled_form

SHORT = 0.15


class Hanging:
    """A call to another system that answers only when it is let go."""

    def __init__(self) -> None:
        self.let_go, self.begun, self.ended = threading.Event(), 0, 0

    def __call__(self, *_: object) -> list[Any]:
        self.begun += 1
        self.let_go.wait(timeout=30)
        self.ended += 1
        return []


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    call = Hanging()
    yield call
    call.let_go.set()


@pytest.fixture
def hurried(either_host: Host) -> Host:
    either_host.state.host.deadline = SHORT
    return either_host


def eventually(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("never")


QUESTIONS = {
    "veto_request": lambda host, made: host.request("theo", starts=TUESDAY_TEN.replace(hour=19)),
    "busy_times": lambda host, made: host.request("theo", starts=TUESDAY_TEN.replace(hour=19)),
    "veto_confirmation": lambda host, made: act(host, "confirm", made.ref),
    "veto_cancellation": lambda host, made: act(host, "cancel", made.ref),
}


@pytest.mark.parametrize("register", QUESTIONS)
def test_past_the_deadline_nothing_is_changed_and_a_late_answer_changes_nothing(hurried, hanging, register, caplog):
    made = hurried.request()
    getattr(hurried.portal, register)(hanging)
    before = snapshot(hurried)

    with captured(app=hurried.app) as told, pytest.raises(NotAnswered, match="Nothing was changed"):
        QUESTIONS[register](hurried, made)
    assert snapshot(hurried) == before
    assert f"{register} was not answered within 0.15 seconds" in caplog.text

    hanging.let_go.set()
    eventually(lambda: "too late to be used" in caplog.text)
    assert snapshot(hurried) == before
    assert told == []


@pytest.mark.parametrize("register", QUESTIONS)
def test_a_question_that_breaks_changes_nothing_and_its_log_names_nobody(either_host, register, caplog):
    made = either_host.request()

    @getattr(either_host.portal, register)
    def broken(*_):
        raise LookupError("Maya Lindqvist is not in the register")

    before = snapshot(either_host)
    with pytest.raises(NotAnswered) as refusal:
        QUESTIONS[register](either_host, made)

    assert snapshot(either_host) == before
    assert isinstance(refusal.value.__cause__, LookupError)
    (record,) = [one for one in caplog.records if one.name == "portal_plugin"]
    assert record.levelno == logging.ERROR
    assert f"{register} could not be asked: LookupError" in record.getMessage()
    assert "in broken" in record.getMessage()
    assert "LookupError: Maya" not in caplog.text
    assert record.exc_info is None


def test_when_the_host_answers_again_the_same_request_goes_through(hurried, hanging):
    hurried.portal.veto_request(hanging)
    with pytest.raises(NotAnswered):
        hurried.request()

    hanging.let_go.set()

    assert hurried.request().status == "requested"


def test_a_time_out_of_the_hosts_own_is_a_question_that_broke(host, caplog):
    @host.portal.veto_request
    def impatient(proposal):
        raise TimeoutError

    with pytest.raises(NotAnswered):
        host.request()
    assert "could not be asked: TimeoutError" in caplog.text


def test_hanging_questions_do_not_pile_up(host, hanging, caplog):
    host.state.host.deadline = 0.01
    host.portal.veto_request(hanging)
    for _ in range(MOST_OVERDUE):
        with pytest.raises(NotAnswered):
            host.request()
    host.state.host.deadline = 30

    began = time.monotonic()
    with pytest.raises(NotAnswered):
        host.request()

    assert time.monotonic() - began < 5
    assert hanging.begun == MOST_OVERDUE
    assert f"was not asked: {MOST_OVERDUE} earlier questions" in caplog.text

    hanging.let_go.set()
    eventually(lambda: hanging.ended == MOST_OVERDUE and host.state.host._overdue == 0)
    assert host.request().status == "requested"


def test_many_questions_at_once_that_are_answered_in_time_are_all_asked(host):
    """The limit is on what hangs, not on how busy a site is."""
    gate = threading.Barrier(2 * MOST_OVERDUE)
    ref = host.request().ref

    @host.portal.veto_confirmation
    def together(_):
        gate.wait(timeout=20)
        raise Refused("No.")

    host.state.host.deadline = 30
    refused = []

    def ask():
        with pytest.raises(Refused):
            act(host, "confirm", ref)
        refused.append(True)

    threads = [threading.Thread(target=ask) for _ in range(2 * MOST_OVERDUE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(refused) == 2 * MOST_OVERDUE


def test_no_thread_is_started_where_nobody_registered_a_question(host, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))

    act(host, "confirm", host.request().ref)


def test_without_a_deadline_the_host_is_asked_in_the_requests_own_thread(host):
    host.state.host.deadline = None
    asked_in = []
    host.portal.veto_request(lambda _: asked_in.append(threading.current_thread()))

    host.request()

    assert asked_in == [threading.current_thread()]


# What a veto may rely on.


def ask_in_a_request(host: Host, veto: Callable[[Any], None]) -> int:
    """Maya asks for a time; the answer's status."""
    host.portal.veto_request(veto)
    maya = host.browser()
    form = filled_form(maya.get(STEP_2).text, starts=f"{TUESDAY_TEN:%Y-%m-%dT%H:%M:%SZ}", note="My knee")
    return maya.post("/portal/appointments/book", data=form).status_code


def test_a_veto_sees_app_request_and_session_of_who_asks(host):
    seen = []

    def look(proposal: object) -> None:
        seen.append((current_app.name, request.method, request.form["note"], session["who"]))

    assert ask_in_a_request(host, look) == 303
    assert seen == [("host", "POST", "My knee", "maya")]


def test_a_veto_has_a_g_of_its_own_and_the_hosts_teardown_runs_in_its_thread(host):
    opened, closed = [], []

    @host.app.before_request
    def open_connection():
        g.connection = threading.current_thread()

    @host.app.teardown_appcontext
    def close_connection(_):
        if "own" in g:
            closed.append((g.own, threading.current_thread()))

    def look(proposal: object) -> None:
        assert "connection" not in g
        g.own = threading.current_thread()
        opened.append(g.own)

    assert ask_in_a_request(host, look) == 303
    assert closed == [(opened[0], opened[0])]
    assert opened[0] is not threading.current_thread()


def test_a_veto_sees_the_context_variables_of_who_asks(host):
    trace: ContextVar[str] = ContextVar("trace", default="none")
    seen = []
    host.portal.veto_request(lambda _: seen.append((trace.get(), has_request_context())))
    trace.set("abc")

    host.request()

    assert seen == [("abc", False)]


def test_a_veto_may_read_and_write_through_the_portal(hurried):
    """No transaction of the asking thread is in its way."""
    hurried.state.host.deadline = 5
    other = invite(hurried, who="theo", starts=TUESDAY_TEN.replace(hour=19))

    @hurried.portal.veto_request
    def make_room(proposal):
        assert hurried.portal.appointments(client="theo")
        hurried.portal.withdraw(other.ref)

    hurried.request()

    assert act(hurried, "appointment", other.ref).status == "withdrawn"


def test_two_apps_of_one_portal_are_asked_each_in_its_own_context(host, tmp_path):
    seen = []
    portal = Portal()
    portal.busy_times(lambda provider, since, until: seen.append(current_app.name) or [])
    for name in ("one", "two"):
        app = Flask(name, instance_path=str(tmp_path))
        app.config.update(host.app.config, PORTAL_DATABASE_URL=host.app.config["PORTAL_DATABASE_URL"])
        portal.init_app(app)
        with app.app_context():
            portal.request(
                PEOPLE["maya" if name == "one" else "theo"],
                type="visit",
                contact="phone",
                starts=TUESDAY_TEN,
                provider="ada" if name == "one" else "ben",
            )
    assert seen == ["one", "two"]


# What people see.


def test_the_times_of_a_day_without_the_hosts_answer_are_a_sentence_and_a_way_to_ask_again(hurried, hanging):
    hurried.portal.busy_times(hanging)

    answer = hurried.browser().get(STEP_2)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "did not answer" in answer.text
    assert f'href="{STEP_2.replace("&", "&amp;")}"' in answer.text
    assert hanging.begun == 1


@pytest.mark.parametrize("register", ["veto_request", "busy_times"])
@pytest.mark.parametrize("how", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_what_a_client_typed_is_sent_again_with_one_press(hurried, hanging, register, how):
    maya = hurried.browser()
    note = 'Back & "neck"'
    form = filled_form(maya.get(STEP_2).text, starts=f"{TUESDAY_TEN:%Y-%m-%dT%H:%M:%SZ}", note=note)
    getattr(hurried.portal, register)(hanging)

    answer = maya.post("/portal/appointments/book", data=form, headers=how)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "What you typed is kept." in answer.text
    assert ("<html" in answer.text) == (not how)

    hanging.let_go.set()
    sent_again = {
        name: value.replace("&amp;", "&").replace("&#34;", '"') for name, value in filled_form(answer.text).items()
    }
    assert sent_again == form
    assert maya.post("/portal/appointments/book", data=sent_again).status_code == 303
    (made,) = act(hurried, "appointments")
    assert made.note == note


def test_a_cancellation_that_could_not_be_asked_keeps_its_reason(hurried, hanging):
    ref = hurried.request().ref
    hurried.portal.veto_cancellation(hanging)
    maya = hurried.browser()
    form = filled_form(maya.get(f"/portal/appointments/{ref}/cancel").text, reason="A cold")

    answer = maya.post(f"/portal/appointments/{ref}/cancel", data=form)

    assert answer.status_code == 503
    assert 'name="reason" value="A cold"' in answer.text
    assert f'action="/portal/appointments/{ref}/cancel"' in answer.text


def test_a_time_that_cannot_be_held_without_the_hosts_answer_is_simply_not_held(hurried, hanging):
    maya = hurried.browser()
    form = filled_form(maya.get(STEP_2).text, starts=f"{TUESDAY_TEN:%Y-%m-%dT%H:%M:%SZ}")
    hurried.apply(practice(hold_minutes=10))
    hurried.portal.busy_times(hanging)

    answer = maya.post("/portal/appointments/book/hold", data=form, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "portal-panel" not in answer.text
    assert "Kept for you" not in answer.text


def test_staff_who_confirm_many_wait_once_for_a_host_that_hangs(hurried, hanging):
    refs = [hurried.request(starts=TUESDAY_TEN.replace(hour=hour)).ref for hour in (15, 18, 19, 20)]
    hurried.portal.veto_confirmation(hanging)
    rosa = hurried.browser("rosa")
    form = filled_form(rosa.get("/portal/review/").text) | {"ref": refs, "verb": "confirm"}

    answer = rosa.post("/portal/review/decide", data=form)

    assert answer.status_code == 409
    # The page around it holds the sentence once more, for the script.
    assert answer.text.partition('id="portal-panel"')[2].count("did not answer") == len(refs)
    assert hanging.begun == 1
    assert {one.status for one in act(hurried, "appointments")} == {"requested"}


def test_staff_who_confirm_one_read_why_not(hurried, hanging):
    ref = hurried.request().ref
    hurried.portal.veto_confirmation(hanging)
    rosa = hurried.browser("rosa")
    form = filled_form(rosa.get(f"/portal/review/appointments/{ref}").text, verb="confirm", message="See you")

    answer = rosa.post(f"/portal/review/appointments/{ref}", data=form)

    assert answer.status_code == 503
    assert "did not answer" in answer.text
    assert "See you" in answer.text


def test_the_command_line_says_so_and_exits_with_5(hurried, hanging):
    ref = hurried.request().ref
    hurried.portal.veto_confirmation(hanging)

    done = hurried.app.test_cli_runner().invoke(args=["portal", "confirm", ref])

    assert done.exit_code == 5
    assert "Nothing was changed." in done.output


def test_times_are_free_again_when_the_calendar_answers(hurried, hanging):
    hurried.portal.busy_times(hanging)
    with pytest.raises(NotAnswered):
        free_times(hurried)
    hanging.let_go.set()
    assert TUESDAY_TEN in free_times(hurried)
