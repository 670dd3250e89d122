"""The ledger of agreements: it only grows, the newest word on a number counts, and who is forgotten stays opted out."""

import json
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from peewee import DatabaseError

from portal_plugin.domain.consent import ReminderConsent, Way, version_of
from portal_plugin.domain.history import Event
from portal_plugin.domain.lifecycle import Actor, ActorKind
from portal_plugin.domain.texting import Said
from portal_plugin.services import consents, requests
from portal_plugin.services.consents import Answer, hear, may_text, opt_out
from portal_plugin.storage import chain
from tests.services.steps import act, rows, together
from tests.support import PEOPLE, TUESDAY_TEN, Host

DAY = timedelta(days=1)
PHONE = "+12125550187"


def ask(host: Host, who: str = "maya", starts=TUESDAY_TEN, phone: str = PHONE) -> str:
    """Ask for a time with text reminders and have it confirmed; its reference."""
    with host.app.app_context():
        wish = host.portal.practice().wish("visit", "phone", "ada")
        consent = ReminderConsent(phone, wish.zone, "198.51.100.7", "AGENT", "/page", "Yes. The programme.")
        actor = Actor(ActorKind.CLIENT, who)
        asking = requests.Asking(wish, PEOPLE[who], starts, actor, consent=consent)
        ref = requests.request_appointment(host.state, host.portal.practice(), asking).ref
    act(host, "confirm", ref)
    return ref


def say(host: Host, what, *args, **more):
    with host.app.app_context():
        return what(host.state, *args, host.clock(), **more)


def say_start(host: Host, raw: str = "START"):
    say(host, lambda state, now: hear(state, PHONE, Said.START, raw, secrets.token_hex(8), now))


def texts_may_go(host: Host, phone: str = PHONE) -> bool:
    with host.app.app_context():
        return may_text(host.state, phone)


def waiting(host: Host) -> int:
    query = "SELECT COUNT(*) FROM portal_outbox WHERE channel = 'sms' AND sent IS NULL AND failed IS NULL"
    return rows(host, query)[0][0]


def ledger(host: Host):
    return rows(host, "SELECT kind, way, client_id, phone, said FROM portal_consent ORDER BY id")


def test_the_newest_word_on_a_number_counts_and_of_no_other(either_host):
    ask(either_host)
    assert texts_may_go(either_host)
    say(either_host, opt_out, PHONE, Way.GATEWAY, "21610")
    assert not texts_may_go(either_host)
    assert texts_may_go(either_host, "+12125550199")
    say_start(either_host)
    assert texts_may_go(either_host)

    assert ledger(either_host) == [
        ("in", "request", "maya", PHONE, ""),
        ("out", "gateway", "maya", PHONE, "21610"),
        ("in", "text", "maya", PHONE, "START"),
    ]


def test_an_opt_out_drops_the_reminders_of_that_number_alone_and_an_opt_in_writes_them_again(either_host):
    ask(either_host)
    ask(either_host, "theo", TUESDAY_TEN + DAY, "+12125550199")
    assert waiting(either_host) == 4

    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    assert waiting(either_host) == 2
    assert rows(either_host, "SELECT DISTINCT recipient FROM portal_outbox WHERE channel = 'sms'") == [
        ("+12125550199",)
    ]

    say_start(either_host)
    say_start(either_host)
    assert waiting(either_host) == 4


def test_a_box_ticked_after_a_stop_counts_as_an_opt_in(either_host):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")

    ask(either_host, starts=TUESDAY_TEN + DAY)

    assert texts_may_go(either_host)


def test_nothing_is_stored_of_an_opt_out_that_fails_on_the_way(either_host, monkeypatch):
    ask(either_host)
    before = rows(either_host, "SELECT * FROM portal_consent"), waiting(either_host)

    def fails(*_, **__):
        raise RuntimeError

    monkeypatch.setattr("portal_plugin.services.ledger.history.record", fails)
    with pytest.raises(RuntimeError):
        say(either_host, opt_out, PHONE, Way.TEXT, "STOP")

    assert (rows(either_host, "SELECT * FROM portal_consent"), waiting(either_host)) == before
    assert texts_may_go(either_host)


CHANGES = (
    "UPDATE portal_consent SET kind = 'in'",
    "UPDATE portal_consent SET said = ''",
    "UPDATE portal_consent SET at = at + 1",
    "UPDATE portal_consent SET text = 'No.'",
    "UPDATE portal_consent SET unticked = FALSE",
    "UPDATE portal_consent SET phone = '+12125550100'",
    "UPDATE portal_consent SET phone = '', client_id = 'erased-1', address = '', user_agent = '', said = ''",
    "UPDATE portal_consent SET phone = '', client_id = 'theo', address = '', user_agent = '', said = '', number = 'x'",
    "UPDATE portal_consent SET phone = '', client_id = 'erased-1', address = '', user_agent = '', said = '', "
    "number = 'x', text = ''",
    "DELETE FROM portal_consent",
    "INSERT OR REPLACE INTO portal_consent SELECT * FROM portal_consent",
    "TRUNCATE portal_consent",
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_to_change_the_ledger(either_host, change):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    before = rows(either_host, "SELECT * FROM portal_consent ORDER BY id")

    with either_host.app.app_context(), pytest.raises(DatabaseError), either_host.state.db.atomic():
        either_host.state.db.execute_sql(change)

    assert rows(either_host, "SELECT * FROM portal_consent ORDER BY id") == before


# Forgotten.


def test_who_is_forgotten_leaves_no_number_and_is_still_not_texted(either_host):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "Stop, says Maya")

    act(either_host, "erase_client", "maya", cancel=True)

    stored = repr(rows(either_host, "SELECT * FROM portal_consent")) + repr(
        rows(either_host, "SELECT * FROM portal_history")
    )
    for mark in (PHONE, "5550187", "Maya", "maya", "198.51.100.7", "AGENT"):
        assert mark not in stored, mark
    assert not texts_may_go(either_host)
    assert texts_may_go(either_host, "+12125550199")
    with either_host.app.app_context():
        chain.seal_settled(either_host.state.db)
        assert chain.verify(either_host.state.db).sound


def test_the_digest_is_keyed_so_that_the_tables_alone_tell_no_number(either_host):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    act(either_host, "erase_client", "maya", cancel=True)

    object.__setattr__(either_host.state.settings, "secret_keys", ("before", "another"))
    assert texts_may_go(either_host)
    object.__setattr__(either_host.state.settings, "secret_keys", (either_host.app.config["SECRET_KEY"], "another"))
    assert not texts_may_go(either_host), "an earlier key in SECRET_KEY_FALLBACKS still counts"


def test_a_number_that_two_share_stays_opted_out_when_one_is_forgotten_and_the_other_s_rows_stay(either_host):
    ask(either_host)
    ask(either_host, "theo", TUESDAY_TEN + DAY)
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    assert ledger(either_host)[-1][2] == "theo", "who spoke of that number last"

    act(either_host, "erase_client", "maya", cancel=True)
    assert [(client, phone) for _, _, client, phone, _ in ledger(either_host)][1:] == [("theo", PHONE)] * 2
    act(either_host, "erase_client", "theo", cancel=True)

    assert not texts_may_go(either_host)


def test_a_number_that_a_client_has_no_more_is_forgotten_with_them(either_host):
    ask(either_host)
    newer = ReminderConsent("+12125550199", "America/New_York", "198.51.100.7", "AGENT", "/page", "Yes.")
    say(either_host, consents.turn_on, "maya", newer, Actor(ActorKind.CLIENT, "maya"))
    assert rows(either_host, "SELECT client_phone FROM portal_appointment") == [(newer.phone,)]
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")

    act(either_host, "erase_client", "maya", cancel=True)

    assert {phone for _, _, _, phone, _ in ledger(either_host)} == {""}
    assert not texts_may_go(either_host)


def test_forgotten_and_back_with_a_ticked_box_texts_go_again(either_host):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    act(either_host, "erase_client", "maya", cancel=True)

    ask(either_host, starts=TUESDAY_TEN + DAY)

    assert texts_may_go(either_host)


@pytest.mark.parametrize("given", ["+1 212 555 0187", "(212) 555-0187"])
def test_what_somebody_unknown_said_goes_with_the_client_whose_number_the_host_gave(either_host, monkeypatch, given):
    monkeypatch.setitem(PEOPLE, "maya", replace(PEOPLE["maya"], phone=given))
    either_host.request("maya")
    say(either_host, opt_out, PHONE, Way.TEXT, "STOP")
    assert ledger(either_host) == [("out", "text", "", PHONE, "STOP")]
    assert len(act(either_host, "export_client", "maya")["consents"]) == 1

    act(either_host, "erase_client", "maya", cancel=True)

    [(_, _, client, phone, _)] = ledger(either_host)
    assert (client[:7], phone) == ("erased-", "")
    assert not texts_may_go(either_host)


def test_a_copy_for_the_client_holds_the_ledger_and_what_it_did_to_the_history(either_host):
    ask(either_host)
    say(either_host, opt_out, PHONE, Way.TEXT, "Stop!")
    say_start(either_host, "Start")
    ask(either_host, "theo", TUESDAY_TEN + DAY, "+12125550199")

    copy = json.loads(json.dumps(act(either_host, "export_client", "maya")))

    assert [(one["choice"], one["way"], one["said"]) for one in copy["consents"]] == [
        ("in", "request", ""),
        ("out", "text", "Stop!"),
        ("in", "text", "Start"),
    ]
    assert copy["consents"][0] == {
        "at": either_host.clock().isoformat(),
        "choice": "in",
        "way": "request",
        "client": "maya",
        "phone": PHONE,
        "zone": "America/New_York",
        "address": "198.51.100.7",
        "user_agent": "AGENT",
        "page": "/page",
        "text": "Yes. The programme.",
        "version": version_of("Yes. The programme."),
        "unticked": True,
        "said": "",
    }
    assert [one["unticked"] for one in copy["consents"]] == [True, False, False], "no box is ticked in a text"
    said = [entry["action"] for entry in copy["history"] if entry["action"].startswith("opt_")]
    assert said == [Event.OPT_IN, Event.OPT_OUT, Event.OPT_IN]


# At once.

ROUNDS = 100


def test_the_same_text_twice_at_once_counts_once(either_host):
    """A hundred times on each engine."""
    ask(either_host)
    for number in range(ROUNDS):
        answers = together(
            *[lambda n=number: say_hear(either_host, Said.STOP, f"at-once-{n}")] * 2,
        )
        assert sorted(answers, key=str) == sorted([Answer.STOPPED, None], key=str), number
        say_start(either_host)
    assert [kind for kind, *_ in ledger(either_host)].count("out") == ROUNDS


def test_without_its_memory_of_ids_the_same_text_would_count_twice(either_host, monkeypatch):
    monkeypatch.setattr("portal_plugin.services.consents.consents.first_time", lambda *_: True)
    together(*[lambda: say_hear(either_host, Said.STOP, "again")] * 2)

    assert [kind for kind, *_ in ledger(either_host)] == ["out", "out"]


def test_stop_and_start_at_once_leave_reminders_as_the_newest_word_has_it(either_host):
    ask(either_host)
    seen = set()
    for number in range(30):
        together(
            lambda n=number: say_hear(either_host, Said.STOP, f"stop-{n}"),
            lambda n=number: say_hear(either_host, Said.START, f"start-{n}"),
        )
        newest = ledger(either_host)[-1][0]
        assert waiting(either_host) == (2 if newest == "in" else 0), number
        assert texts_may_go(either_host) == (newest == "in")
        seen.add(newest)
        say_start(either_host)


def say_hear(host: Host, said: Said, message_id: str):
    with host.app.app_context():
        return hear(host.state, PHONE, said, said, message_id, host.clock())


def test_a_client_who_turns_off_while_a_text_says_stop_waits_for_nobody_for_good(either_host):
    ask(either_host)
    proof = ReminderConsent("", "America/New_York", "", "", "/page", "", unticked=False)

    def off():
        with either_host.app.app_context():
            consents.turn_off(either_host.state, "maya", proof, Actor(ActorKind.CLIENT, "maya"), either_host.clock())

    for number in range(20):
        together(off, lambda n=number: say_hear(either_host, Said.STOP, f"off-{n}"))
        assert waiting(either_host) == 0
        say_start(either_host)
