"""A text that comes in is believed when it is signed, heard once, and answered at most once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_wtf import CSRFProtect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from portal_plugin.services.consents import may_text
from portal_plugin.testing import Clock, Texts
from tests.practices import PRACTICE
from tests.support import MONDAY, Host, make_host
from tests.web.pages import send, step_2, stored
from tests.web.texter import INBOUND, PHONE, TOKEN, TWILIO, URL, answered, post, send_text

STOPPED = "Elm Row Practice: you will get no more text reminders from us."
FORM = {"MessageSid": "SM1", "From": PHONE, "Body": "STOP"}


def make(url: str, tmp_path: Path, clock: Clock, **more: Any) -> Iterator[Host]:
    host = make_host(url, tmp_path, clock, PORTAL_SMS=Texts(), **more)
    host.apply(PRACTICE)
    yield host
    host.state.db.close_all()


@pytest.fixture
def texting(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """The host with a Twilio account that answers nothing by itself, on either engine."""
    yield from make(database_url, tmp_path, clock, PORTAL_TWILIO=TWILIO | {"answers_itself": False})


@pytest.fixture
def twilio_answers(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Host]:
    """The same with an account as Twilio sets it up."""
    yield from make(sqlite_url, tmp_path, clock, PORTAL_TWILIO=TWILIO)


def agree(host: Host, who: str = "maya", phone: str = PHONE) -> str:
    """Ask for a time with text reminders and have it confirmed; its reference."""
    browser = host.browser(who)
    answer = send(browser, step_2(browser, text_reminders="1", phone=phone))
    assert answer.status_code == 303
    ref = str(answer.location).split("/")[-2]
    with host.app.app_context():
        host.portal.confirm(ref)
    return ref


def waiting(host: Host) -> int:
    """Text reminders that wait."""
    query = "SELECT COUNT(*) FROM portal_outbox WHERE channel = 'sms' AND sent IS NULL AND failed IS NULL"
    return int(host.state.db.execute_sql(query).fetchone()[0])


def ledger(host: Host) -> list[tuple[Any, ...]]:
    query = "SELECT kind, way, client_id, phone, said FROM portal_consent ORDER BY id"
    return [tuple(row) for row in host.state.db.execute_sql(query)]


def recorded(host: Host) -> list[tuple[Any, ...]]:
    query = """SELECT actor_kind, actor, action, result, reason FROM portal_history
        WHERE action IN ('opt_in', 'opt_out', 'text') ORDER BY id"""
    return [tuple(row) for row in host.state.db.execute_sql(query)]


def texts_may_go(host: Host, phone: str = PHONE) -> bool:
    with host.app.app_context():
        return may_text(host.state, phone)


# What is said.


def test_stop_ends_texts_drops_what_waits_and_is_confirmed_once(texting: Host) -> None:
    agree(texting)
    assert waiting(texting) > 0

    assert answered(send_text(texting, "Stop. Thank you")) == [STOPPED]

    assert waiting(texting) == 0
    assert not texts_may_go(texting)
    assert ledger(texting)[-1] == ("out", "text", "maya", PHONE, "Stop. Thank you")
    assert recorded(texting)[-1] == ("client", "maya", "opt_out", "done", "text")


def test_a_second_stop_is_kept_and_not_answered(texting: Host) -> None:
    send_text(texting, "STOP")

    assert answered(send_text(texting, "STOP!!")) == []
    assert [kind for kind, *_ in ledger(texting)] == ["out", "out"]


def test_start_brings_the_reminders_back(texting: Host) -> None:
    agree(texting)
    before = waiting(texting)
    send_text(texting, "STOP")

    [answer] = answered(send_text(texting, "start"))

    assert waiting(texting) == before
    assert texts_may_go(texting)
    assert ledger(texting)[-1] == ("in", "text", "maya", PHONE, "start")
    assert answer.startswith("Elm Row Practice: text reminders are on")
    assert answered(send_text(texting, "STOP")) == [STOPPED], "once more"


def test_start_does_not_bring_back_what_was_cancelled_meanwhile(texting: Host) -> None:
    ref = agree(texting)
    send_text(texting, "STOP")
    with texting.app.app_context():
        texting.portal.cancel(ref)

    send_text(texting, "START")

    assert waiting(texting) == 0


def test_yes_begins_again_what_had_ended_and_says_nothing_otherwise(texting: Host) -> None:
    assert answered(send_text(texting, "Yes")) == []
    assert ledger(texting) == []
    send_text(texting, "STOP")
    assert len(answered(send_text(texting, "Yes"))) == 1
    assert texts_may_go(texting)


def test_help_names_the_practice_and_its_phone(texting: Host) -> None:
    [answer] = answered(send_text(texting, "HELP"))

    assert "Elm Row Practice" in answer
    assert "+1 212 555 0100" in answer
    assert "STOP" in answer
    assert ledger(texting) == []
    send_text(texting, "STOP")
    assert answered(send_text(texting, "Info?")) == [answer], "whoever asks, also after STOP"


@pytest.mark.parametrize("text", ["STOP", "HELP", "START", "please stop texting me", "See you then"])
def test_unknown_numbers_get_the_same_answer(texting: Host, text: str) -> None:
    agree(texting)

    assert send_text(texting, text, "+12125550199").data == send_text(texting, text).data


@pytest.mark.parametrize("text", ["can I stop by at 5?", "Don't cancel my appointment", "", "👍"])
def test_anything_else_does_nothing_and_is_not_kept(texting: Host, text: str) -> None:
    agree(texting)
    before = stored(texting)

    assert answered(send_text(texting, text)) == []
    assert stored(texting) == before


def test_no_answer_asks_for_a_word_that_ends_texts_but_stop_or_says_more_than_it_should(texting: Host) -> None:
    answers = [answered(send_text(texting, text))[0] for text in ("HELP", "START", "STOP")]
    for answer in answers:
        assert len(answer) <= 160
        assert answer.isascii()
        for word in ("CANCEL", "YES", "QUIT", "END ", "REVOKE", "therapy", "visit"):
            assert word not in answer
    assert not any(word in answers[2].lower() for word in ("start", "help", "http", "call"))


def test_a_number_is_kept_in_e164_whatever_the_digits(texting: Host) -> None:
    send_text(texting, "STOP", "+１ (212) 555-0187")

    assert ledger(texting)[0][3] == PHONE


# Once.


def test_the_same_text_twice_counts_once_and_is_answered_once(texting: Host) -> None:
    first, again = (send_text(texting, "STOP", sid="SM1") for _ in range(2))

    assert (answered(first), answered(again)) == ([STOPPED], [])
    assert len(ledger(texting)) == 1


def test_a_replayed_stop_does_not_undo_a_later_start(texting: Host) -> None:
    send_text(texting, "STOP", sid="SM1")
    send_text(texting, "START", sid="SM2")

    assert answered(send_text(texting, "STOP", sid="SM1")) == []
    assert texts_may_go(texting)


def test_what_comes_last_counts_and_a_late_replay_of_start_undoes_no_stop(texting: Host) -> None:
    send_text(texting, "START", sid="SM2")
    send_text(texting, "STOP", sid="SM1")

    assert answered(send_text(texting, "START", sid="SM2")) == []
    assert not texts_may_go(texting)


# Whether the gateway answers.


@pytest.mark.parametrize("text", ["STOP", " cancel ", "HELP", "start", "Unsubscribe"])
def test_where_twilio_answers_its_own_words_we_are_silent(twilio_answers: Host, text: str) -> None:
    assert answered(send_text(twilio_answers, text)) == []
    assert len(ledger(twilio_answers)) == (0 if text in {"HELP", "start"} else 1)


def test_what_twilio_does_not_know_is_answered(twilio_answers: Host) -> None:
    assert answered(send_text(twilio_answers, "please stop texting me")) == [STOPPED]


@pytest.mark.parametrize(("text", "kind"), [("STOP", "STOP"), ("Adieu", "STOP"), ("HELP", "HELP"), ("hola", "START")])
def test_what_advanced_opt_out_handled_counts_and_is_not_answered(texting: Host, text: str, kind: str) -> None:
    assert answered(send_text(texting, text, OptOutType=kind)) == []
    assert texts_may_go(texting) == (kind != "STOP")


# Whether it is genuine.


@pytest.mark.parametrize("signature", ["", "x", "é", RequestValidator("another").compute_signature(URL, FORM)])
def test_what_is_badly_signed_is_refused_and_recorded(texting: Host, signature: str) -> None:
    answer = post(texting, FORM, signature)

    assert answer.status_code == 403
    assert ledger(texting) == []
    assert recorded(texting) == [("system", "text gateway", "text", "refused", "badly signed")]
    assert PHONE not in answer.text


def test_a_flood_of_bad_signatures_is_recorded_within_limits(texting: Host) -> None:
    for _ in range(30):
        assert post(texting, FORM, "x").status_code == 403

    assert len(recorded(texting)) == 20


def test_bad_signatures_end_and_a_genuine_text_from_the_same_address_is_heard(texting: Host) -> None:
    texting.limit(wrong_signatures="2/hour")
    assert [post(texting, FORM, "x").status_code for _ in range(3)] == [403, 403, 429]
    assert 0 < int(post(texting, FORM, "x").headers["Retry-After"]) <= 3600
    assert len(recorded(texting)) == 2
    assert answered(send_text(texting, "HELP"))


def test_a_number_is_answered_ten_times_a_day_and_heard_always(texting: Host) -> None:
    agree(texting)
    assert [len(answered(send_text(texting, "HELP"))) for _ in range(12)] == [1] * 10 + [0] * 2
    assert len(answered(send_text(texting, "HELP", phone="+12125550199"))) == 1
    assert answered(send_text(texting, "STOP")) == []
    assert not texts_may_go(texting)
    assert PHONE not in str(texting.state.db.execute_sql("SELECT name FROM portal_rate").fetchall())
    texting.clock.advance(timedelta(days=1))
    assert len(answered(send_text(texting, "HELP"))) == 1


def test_a_body_that_was_changed_on_the_way_is_refused(texting: Host) -> None:
    signature = RequestValidator(TOKEN).compute_signature(URL, FORM)

    assert post(texting, FORM | {"From": "+12125550199"}, signature).status_code == 403
    assert post(texting, FORM | {"More": "1"}, signature).status_code == 403
    assert post(texting, FORM, signature).status_code == 200


def test_the_host_header_counts_for_nothing(texting: Host) -> None:
    own = RequestValidator(TOKEN).compute_signature(URL, FORM)
    foreign = RequestValidator(TOKEN).compute_signature(f"https://evil.example{INBOUND}", FORM)

    assert post(texting, FORM, foreign, base_url="https://evil.example").status_code == 403
    assert post(texting, FORM, own, base_url="http://10.0.0.7:8000").status_code == 200


def test_a_query_in_the_address_is_signed_too(texting: Host) -> None:
    signature = RequestValidator(TOKEN).compute_signature(f"{URL}?line=2", FORM)

    assert post(texting, FORM, signature, f"{INBOUND}?line=2").status_code == 200
    assert post(texting, FORM, signature, f"{INBOUND}?line=3").status_code == 403


def test_without_an_account_there_is_no_such_page(host: Host) -> None:
    assert post(host, FORM, RequestValidator("").compute_signature(URL, FORM)).status_code == 404


def test_only_posts_are_heard(texting: Host) -> None:
    assert texting.app.test_client().get(INBOUND).status_code == 405


def test_the_host_s_own_csrf_protection_lets_it_pass(texting: Host) -> None:
    CSRFProtect(texting.app)

    assert answered(send_text(texting, "STOP")) == [STOPPED]


# Bad input.


@pytest.mark.parametrize("form", [{}, {"From": PHONE}, {"MessageSid": "SM1"}, {"MessageSid": "", "From": PHONE}])
def test_a_form_without_sender_or_id_is_malformed(texting: Host, form: dict[str, str]) -> None:
    answer = post(texting, form, RequestValidator(TOKEN).compute_signature(URL, form))

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "phone",
    ["", "22395", "ELMROW", "+", "+0", "+1 212", "nobody@example.org", "+12125550187\r\nx", "٠" * 200, "+" + "9" * 20],
)
def test_a_sender_that_is_no_phone_number_changes_nothing(texting: Host, phone: str) -> None:
    before = stored(texting)

    assert answered(send_text(texting, "STOP", phone)) == []
    assert stored(texting) == before


@pytest.mark.parametrize(
    "text", ["STOP\x00", "STOP \u202e", "stop\r\nBcc: x", "stop <b>&amp;</b>", "stop " + "x" * 5_000]
)
def test_odd_characters_end_texts_all_the_same_and_are_kept_harmless(texting: Host, text: str) -> None:
    assert answered(send_text(texting, text)) == [STOPPED]
    [(*_, said)] = ledger(texting)
    assert "\x00" not in said
    assert len(said) <= 2_000


def test_a_large_body_is_refused(texting: Host) -> None:
    assert send_text(texting, "STOP " + "x" * 70_000).status_code == 413
    assert ledger(texting) == []


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Host]:
    """One host for many texts."""
    folder = tmp_path_factory.mktemp("lasting")
    (folder / "portal.db").write_bytes(migrated_sqlite.read_bytes())
    yield from make(f"sqlite:///{folder / 'portal.db'}", folder, Clock(MONDAY), PORTAL_TWILIO=TWILIO)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.text(max_size=300),
    phone=st.text(max_size=40) | st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True),
    sid=st.text(min_size=1, max_size=80),
    kind=st.sampled_from(["", "STOP", "START", "HELP"]) | st.text(max_size=10),
)
def test_whatever_comes_in_signed_is_answered_without_a_fault(
    lasting: Host, body: str, phone: str, sid: str, kind: str
) -> None:
    answer = send_text(lasting, body, phone, sid, OptOutType=kind)

    assert answer.status_code in {200, 400}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=500), st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data", "x"]))
def test_garbage_is_refused_without_a_fault(lasting: Host, body: bytes, kind: str) -> None:
    answer = post(lasting, body, "x", content_type=kind)

    assert answer.status_code in {403, 413}


# Other gateways, and the telephone.


def test_another_gateway_s_texts_are_told_by_the_host(either_host: Host) -> None:
    agree(either_host)
    with either_host.app.app_context():
        tell = either_host.portal.incoming_text

        assert tell("(212) 555-0187", "please stop", "7") == STOPPED
        assert tell("(212) 555-0187", "please stop", "7") is None
        assert tell(PHONE, "START", "8", answered=True) is None
        assert tell(PHONE, "See you", "9") is None
    assert [(kind, phone) for kind, _, _, phone, _ in ledger(either_host)] == [
        ("in", PHONE),
        ("out", PHONE),
        ("in", PHONE),
    ]


def test_who_calls_the_practice_to_end_texts_is_heard_too(either_host: Host) -> None:
    agree(either_host)
    with either_host.app.app_context():
        either_host.portal.stop_texts("212 555 0187", by="front desk", said="On the phone.")

    assert waiting(either_host) == 0
    assert ledger(either_host)[-1] == ("out", "practice", "maya", PHONE, "On the phone.")
    assert recorded(either_host)[-1] == ("staff", "front desk", "opt_out", "done", "practice")


@pytest.mark.parametrize(("key", "sid"), [("a", "SM1\0"), ("a\0", "SM1"), ("é\ufffd", "é"), ("x" * 5000, "x" * 5000)])
def test_news_of_a_text_that_never_was_changes_nothing(texting: Host, key: str, sid: str) -> None:
    agree(texting)
    before = stored(texting)
    path = f"/portal/sms/status/{key}"
    form = {"MessageSid": sid, "MessageStatus": "failed", "ErrorCode": "21610"}
    signature = RequestValidator(TOKEN).compute_signature(URL.removesuffix(INBOUND) + path, form)
    answer = post(texting, form, signature, "/", environ_overrides={"PATH_INFO": path.encode().decode("latin-1")})
    assert answer.status_code == 204
    assert stored(texting) == before
