"""A client gets a copy of all that is stored about them, and is forgotten: nothing names them any more."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from portal_plugin import AppointmentsAhead, Client, NotFound
from portal_plugin.domain.lifecycle import Action
from portal_plugin.storage import chain
from tests.practices import practice
from tests.services.steps import act, as_client, history, rows, together, topics
from tests.support import MONDAY, PEOPLE, STEP_2, TUESDAY_TEN, Host, filled_form, offered_times

DAY = timedelta(days=1)
MARKS = ("PLANTED-ID", "PLANTED-NAME", "planted-mail", "+1212555", "PLANTED-NOTE", "PLANTED-REASON", "PLANTED-MESSAGE")
HOST_S = ("PLANTED-REFERENCE", "PLANTED-DATA")


@pytest.fixture
def planted(either_host, monkeypatch) -> Client:
    """A client all of whose words can be found again. They asked three times, once with text reminders."""
    client = Client("PLANTED-ID", "PLANTED-NAME", "planted-mail@example.org", "+1 212 555 0187")
    monkeypatch.setitem(PEOPLE, "planted", client)
    browser = either_host.browser("planted")
    page = browser.get(STEP_2).text
    form = filled_form(page, starts=offered_times(page)[0], note="PLANTED-NOTE", text_reminders="1", phone=client.phone)
    answer = browser.post("/portal/appointments/book", data=form, headers={"User-Agent": "PLANTED-AGENT"})
    assert answer.status_code == 303, answer.text
    first = answer.location.split("/")[-2]
    act(either_host, "confirm", first, message="PLANTED-MESSAGE", by="front desk")
    second = either_host.request("planted", TUESDAY_TEN + DAY, note="PLANTED-NOTE").ref
    as_client(either_host, second, Action.CANCEL, "PLANTED-REASON", who="PLANTED-ID")
    chart = {"chart": "PLANTED-DATA"}
    third = either_host.request("planted", TUESDAY_TEN + 2 * DAY, reference="PLANTED-REFERENCE", data=chart).ref
    act(either_host, "decline", third, message="PLANTED-MESSAGE", by="front desk")
    theo_s = either_host.request("theo", TUESDAY_TEN + 3 * DAY, note="Theo's own words.").ref
    browser.get(f"/portal/appointments/{theo_s}/requested")
    browser.get("/portal/link/PLANTED-TOKEN")
    for choice in ({}, {"end": "1"}):
        calendar = filled_form(browser.get("/portal/appointments/calendar").text, **choice)
        assert browser.post("/portal/appointments/calendar", data=calendar).status_code == 303
    return client


def everything(host: Host) -> dict[str, list]:
    """Every row of every table of the portal."""
    with host.app.app_context():
        tables = [name for name in host.state.db.get_tables() if name.startswith("portal_")]
        assert len(tables) >= 7
        return {table: [tuple(row) for row in host.state.db.execute_sql(f"SELECT * FROM {table}")] for table in tables}


def statistics(host: Host) -> Counter:
    query = "SELECT type, status, provider, contact, location, starts, ends, created FROM portal_appointment"
    return Counter(rows(host, query))


def verdict(host: Host):
    with host.app.app_context():
        chain.seal_settled(host.state.db)
        return chain.verify(host.state.db)


def test_language_and_zone_are_told_and_taken_away(either_host, monkeypatch):
    client = Client("lucia", "Lucia", "lucia@example.org", language="es-MX", zone="America/Tijuana")
    monkeypatch.setitem(PEOPLE, "lucia", client)
    asked = either_host.request("lucia", TUESDAY_TEN)
    as_client(either_host, asked.ref, Action.CANCEL, who="lucia")

    [told] = act(either_host, "export_client", "lucia")["appointments"]
    act(either_host, "erase_client", "lucia")

    assert (told["language"], told["client_zone"]) == ("es-MX", "America/Tijuana")
    kept = rows(either_host, "SELECT client_language, client_zone FROM portal_appointment")
    assert [tuple(row) for row in kept] == [("", "")]


# A copy.


def test_the_copy_holds_all_that_was_planted(either_host, planted):
    copy = act(either_host, "export_client", planted.id, by="front desk")

    text = json.dumps(copy)
    for mark in (*MARKS, *HOST_S, "PLANTED-AGENT"):
        assert mark in text, mark
    assert (copy["client"], copy["exported"]) == ("PLANTED-ID", MONDAY.isoformat())
    assert [one["status"] for one in copy["appointments"]] == ["confirmed", "cancelled", "declined"]
    assert [one["topic"] for one in copy["messages"]] == [
        "received",
        "confirmed",
        "reminder",
        "reminder",
        "received",
        "cancelled",
        "received",
        "declined",
    ]
    assert len(copy["consents"]) == 1
    assert [entry["action"] for entry in copy["history"]] == [
        *("request", "opt_in", "confirm"),
        *("request", "cancel", "request", "decline"),
        *("access", "link", "feed", "feed_end", "export"),
    ]
    assert copy["history"][-1]["actor"] == "front desk"
    assert {entry["at"] for entry in copy["history"]} == {MONDAY.isoformat()}


def test_the_copy_tells_appointment_messages_and_history_whole(either_host):
    made = either_host.request(note="My knee", reference="17", data={"chart": 4})
    act(either_host, "confirm", made.ref, message="Bring it.", by="Rosa")
    either_host.clock.advance(timedelta(hours=1))
    either_host.deliver()
    maya, page = either_host.browser(), "/portal/appointments/calendar"
    assert maya.post(page, data=filled_form(maya.get(page).text)).status_code == 303

    copy = act(either_host, "export_client", "maya", by="Rosa")

    then, now = MONDAY.isoformat(), (MONDAY + timedelta(hours=1)).isoformat()
    assert copy["appointments"] == [
        {
            "ref": made.ref,
            "status": "confirmed",
            "type": "Therapy visit",
            "contact": "In person",
            "provider": "Ada Moreau",
            "location": "Main Street",
            "starts": "2026-12-08T15:00:00+00:00",
            "ends": "2026-12-08T15:50:00+00:00",
            "zone": "America/New_York",
            "name": "Maya Lindqvist",
            "email": "maya@example.org",
            "phone": "+1 212 555 0187",
            "language": "",
            "client_zone": "",
            "note": "My knee",
            "message": "Bring it.",
            "reason": "",
            "text_reminders": False,
            "created": then,
            "expires": "2026-12-08T15:00:00+00:00",
            "replaces": None,
            "reference": "17",
            "data": {"chart": 4},
        }
    ]
    assert (copy["calendar_address"], copy["holds"], copy["waitlist"], copy["intake"]) == (now, [], [], [])
    written = {
        "appointment": made.ref,
        "channel": "mail",
        "recipient": "maya@example.org",
        "created": then,
        "due": then,
        "attempts": 1,
        "sent": now,
        "failed": None,
        "provider_id": "",
        "delivery": "",
    }
    assert len({one.pop("message_id") for one in copy["messages"]}) == 2
    assert copy["messages"] == [written | {"topic": topic} for topic in ("received", "confirmed")]
    assert copy["history"][1] == {
        "appointment": made.ref,
        "at": then,
        "actor_kind": "staff",
        "actor": "Rosa",
        "action": "confirm",
        "from_status": "requested",
        "to_status": "confirmed",
        "result": "done",
        "reason": "Bring it.",
        "request_id": None,
    }


def test_the_copy_tells_nothing_about_anybody_else(either_host, planted):
    theo_s = rows(either_host, "SELECT ref FROM portal_appointment WHERE client_id = 'theo'")[0][0]
    either_host.browser("theo").get(
        f"/portal/appointments/{act(either_host, 'appointments', client=planted.id)[0].ref}"
    )
    [his] = [one.ref for one in act(either_host, "appointments", client=planted.id) if one.status == "confirmed"]
    either_host.browser("theo").get(f"/portal/appointments/{his}/requested")

    text = json.dumps(act(either_host, "export_client", planted.id))

    assert "theo" not in text.lower()
    assert theo_s not in text


def test_somebody_unknown_gets_an_empty_copy(either_host):
    copy = act(either_host, "export_client", "nobody")

    assert (copy["appointments"], copy["consents"], copy["messages"]) == ([], [], [])
    assert [entry["action"] for entry in copy["history"]] == ["export"]


# Forgotten.


def test_nothing_that_was_planted_is_left_anywhere(either_host, planted):
    act(either_host, "export_client", planted.id)
    either_host.deliver()
    before, others = statistics(either_host), act(either_host, "export_client", "theo")
    for mark in (*MARKS, *HOST_S):
        assert mark in repr(everything(either_host)), mark

    assert act(either_host, "erase_client", planted.id, by="front desk", cancel=True) == 3

    after = everything(either_host)
    for mark in (*MARKS, "PLANTED", "planted"):
        assert mark not in repr(after), mark
    found = verdict(either_host)
    assert (found.sound, found.what, found.unsealed) == (True, "", 0)
    [cancelled] = statistics(either_host) - before
    assert cancelled[1] == "cancelled"
    assert sum(statistics(either_host).values()) == sum(before.values())
    theo_s = act(either_host, "export_client", "theo")
    assert theo_s["appointments"] == others["appointments"]
    assert theo_s["history"][: len(others["history"])] == others["history"]
    with pytest.raises(IndexError):
        either_host.deliver()[0]


def test_what_is_past_is_counted_as_before(either_host, planted):
    either_host.clock.advance(30 * DAY)
    before, history_before = (
        statistics(either_host),
        rows(either_host, "SELECT action, to_status FROM portal_history ORDER BY id"),
    )

    assert act(either_host, "erase_client", planted.id) == 3

    assert statistics(either_host) == before
    assert rows(either_host, "SELECT action, to_status FROM portal_history ORDER BY id")[:-1] == history_before
    assert act(either_host, "appointments", client=planted.id) == []
    assert json.dumps(act(either_host, "export_client", planted.id)).count("PLANTED") == 2, "the new export itself"


def test_one_pseudonym_joins_what_was_one_client_s_and_says_nothing(either_host, planted):
    act(either_host, "erase_client", planted.id, cancel=True)

    names = {client for (client,) in rows(either_host, "SELECT client_id FROM portal_appointment")} - {"theo"}
    [pseudonym] = names
    assert pseudonym.startswith("erased-")
    assert {client for (client,) in rows(either_host, "SELECT client_id FROM portal_consent")} == names
    assert [one.client.name for one in act(either_host, "appointments", client=pseudonym)] == ["", "", ""]


def test_the_erasure_is_recorded_and_names_nobody(either_host, planted):
    act(either_host, "erase_client", planted.id, by="front desk", cancel=True)

    last = rows(
        either_host, "SELECT action, actor_kind, actor, appointment, reason, erased FROM portal_history ORDER BY id"
    )[-1]
    # The cancellation is the thirteenth row; Theo's own request is not among them.
    assert last == ("erase", "staff", "front desk", None, "", 12)


def test_who_of_the_practice_did_what_stays(either_host, planted):
    [(row,)] = rows(either_host, "SELECT id FROM portal_appointment WHERE status = 'declined'")
    act(either_host, "erase_client", planted.id, cancel=True)

    told = rows(either_host, "SELECT action, actor, reason FROM portal_history WHERE appointment = ? ORDER BY id", row)
    assert told == [("request", "host", ""), ("decline", "front desk", "")]


def test_what_another_client_tried_is_not_forgotten_with_the_owner(either_host, planted):
    [(ref,)] = rows(either_host, "SELECT ref FROM portal_appointment WHERE status = 'declined'")
    either_host.browser("theo").get(f"/portal/appointments/{ref}/requested")

    act(either_host, "erase_client", planted.id, cancel=True)

    assert act(either_host, "history", ref)[-1].actor == "theo"


def test_messages_that_wait_are_dropped_and_nobody_is_written_to(either_host, planted):
    assert len(topics(either_host, act(either_host, "appointments", client=planted.id)[0].ref)) == 4

    act(either_host, "erase_client", planted.id, cancel=True)

    assert [mail.to for mail in either_host.deliver()] == [["theo@example.org"]]


@pytest.mark.parametrize("number", [1, 2])
def test_who_is_still_expected_is_not_forgotten_yet(either_host, number):
    for n in range(number):
        either_host.request(starts=TUESDAY_TEN + n * DAY)
    before = everything(either_host)

    with pytest.raises(AppointmentsAhead, match=r"cancel (it|them) first, or let the erasure do so") as refusal:
        act(either_host, "erase_client", "maya")

    assert refusal.value.number == number
    assert everything(either_host) == before


def test_an_erasure_that_cancels_gives_the_time_back(either_host):
    made = either_host.request()

    assert act(either_host, "erase_client", "maya", cancel=True) == 1

    assert history(either_host, made.ref)[-1] == ("requested", "cancelled")
    assert either_host.request("theo").starts == made.starts


def test_a_move_that_waits_is_cancelled_with_what_it_would_move(either_host):
    made = either_host.request()
    act(either_host, "confirm", made.ref)
    either_host.request(starts=TUESDAY_TEN + DAY, replaces=made.ref)
    with pytest.raises(AppointmentsAhead) as refusal:
        act(either_host, "erase_client", "maya")
    assert refusal.value.number == 2

    assert act(either_host, "erase_client", "maya", cancel=True) == 2

    statuses = {status for (status,) in rows(either_host, "SELECT status FROM portal_appointment")}
    assert statuses <= {"cancelled", "withdrawn", "expired"}
    assert rows(either_host, "SELECT count(*) FROM portal_claim") == [(0,)]
    assert verdict(either_host).sound


def test_a_time_held_while_a_form_is_filled_in_is_told_and_given_back(either_host):
    either_host.apply(practice(hold_minutes=10))
    browser = either_host.browser("maya")
    page = browser.get(STEP_2).text
    held = browser.post("/portal/appointments/book/hold", data=filled_form(page, starts=offered_times(page)[0]))
    assert held.status_code < 400, held.text
    [told] = act(either_host, "export_client", "maya")["holds"]
    assert told["held_until"] == (MONDAY + timedelta(minutes=10)).isoformat()

    act(either_host, "erase_client", "maya")

    assert "maya" not in repr(everything(either_host)).lower()
    assert rows(either_host, "SELECT count(*) FROM portal_claim") == [(0,)]


def test_what_was_forgotten_is_not_there_any_more(either_host):
    made = either_host.request()
    act(either_host, "erase_client", "maya", cancel=True)

    assert either_host.browser("maya").get(f"/portal/appointments/{made.ref}/requested").status_code == 404
    assert act(either_host, "appointment", made.ref).client.email == ""


def test_forgetting_somebody_unknown_or_twice_changes_nothing(either_host):
    either_host.request("theo")
    assert act(either_host, "erase_client", "theo", cancel=True) == 1
    before = everything(either_host)

    assert act(either_host, "erase_client", "theo") == 0
    assert act(either_host, "erase_client", "nobody") == 0
    assert everything(either_host) == before


def test_somebody_forgotten_may_come_back_as_anybody(either_host):
    either_host.request()
    act(either_host, "erase_client", "maya", cancel=True)

    assert either_host.request().status == "requested"
    assert len(act(either_host, "appointments", client="maya")) == 1


def test_a_decision_read_before_the_erasure_writes_nothing_of_what_it_read(either_host):
    """The row's version has risen, so the decision reads it again, and there is nobody to write to."""
    made = either_host.request()
    either_host.clock.now = made.starts - timedelta(minutes=1)
    act(either_host, "confirm", made.ref)
    either_host.clock.now = made.ends
    answers = together(lambda: act(either_host, "complete", made.ref), lambda: act(either_host, "erase_client", "maya"))

    assert answers[1] == 1
    assert "maya" not in repr(everything(either_host)).lower()
    assert verdict(either_host).sound


# Kept for so long.


def keeping(host: Host, days: int) -> Host:
    host.state.settings = replace(host.state.settings, retention=timedelta(days=days))
    return host


def test_the_worker_forgets_whom_the_practice_no_longer_keeps(either_host):
    host = keeping(either_host, 100)
    old, newer = host.request(), host.request(starts=TUESDAY_TEN + 10 * DAY)
    host.request("theo", TUESDAY_TEN + DAY)
    host.clock.now = old.ends + 102 * DAY
    host.deliver()
    names = [name for (name,) in rows(host, "SELECT client_id FROM portal_appointment ORDER BY starts")]
    assert (names[0], names[2]) == ("maya", "maya"), "one of hers is more recent"
    assert "theo" not in repr(everything(host)).lower()

    host.clock.now = newer.ends + 100 * DAY
    host.deliver()
    assert "maya" in repr(everything(host)), "to the second"
    host.clock.advance(timedelta(hours=1))
    host.deliver()

    assert "maya" not in repr(everything(host)).lower()
    assert rows(host, "SELECT actor_kind, actor FROM portal_history WHERE action = 'erase'") == [
        ("system", "retention"),
        ("system", "retention"),
    ]
    assert verdict(host).sound


def test_the_worker_looks_for_them_once_an_hour(host):
    keeping(host, 100)
    host.clock.now = host.request().ends + 100 * DAY - timedelta(minutes=30)
    kept = []
    for _ in range(4):
        host.deliver()
        kept.append("maya" in repr(everything(host)))
        host.clock.advance(timedelta(minutes=20))

    assert kept == [True, True, True, False]


def test_without_a_setting_everybody_is_kept(host):
    made = host.request()
    host.clock.now = made.ends + 10_000 * DAY
    host.deliver()

    assert act(host, "appointment", made.ref).client.id == "maya"
    with pytest.raises(NotFound):
        act(host, "appointment", "0" * 32)
