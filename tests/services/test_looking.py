"""What a host reads: free times and appointments."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from flask import Flask

from portal_plugin import Client, NotFound, NotOffered, SetupError
from portal_plugin.domain.lifecycle import Action
from portal_plugin.services.slots import days_with_times
from portal_plugin.storage.database import migrate, open_database
from tests.practices import practice
from tests.services.steps import act, as_client, free_times, in_status, invite
from tests.support import MONDAY, PEOPLE, TUESDAY_TEN, make_host

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def slots(host, **choices):
    chosen = {"type": "visit", "contact": "phone"} | choices
    with host.app.app_context():
        return list(host.portal.find_slots(**chosen))


# Free times.


def test_slots_go_from_notice_to_horizon(either_host):
    found = slots(either_host, provider="ada")

    assert found[0].starts == TUESDAY_TEN - HOUR, "Tuesday at nine, 26 hours ahead"
    assert found[-1].starts.date() == date(2027, 2, 5), "the 60th day is a Friday"
    assert all(earlier.starts < later.starts for earlier, later in pairwise(found))


def test_dates_are_local_days_and_the_last_is_included(either_host):
    found = slots(either_host, provider="ada", since=date(2026, 12, 8), until=date(2026, 12, 9))

    assert {slot.starts.date() for slot in found} == {date(2026, 12, 8), date(2026, 12, 9)}
    assert len(found) == 2 * 12


def test_datetimes_are_exact_and_the_last_is_not_included(either_host):
    found = slots(either_host, provider="ada", since=TUESDAY_TEN, until=TUESDAY_TEN + HOUR)

    assert [slot.starts for slot in found] == [TUESDAY_TEN, TUESDAY_TEN + HOUR / 2]


def test_every_offered_slot_can_be_asked_for(either_host):
    """What is offered and what can be taken are one calculation: take the first of all until none is left."""
    taken = []
    while free := free_times(either_host):
        either_host.request(starts=free[0], contact="phone", location=None, provider="ada")
        taken.append(free[0])

    assert [(start - TUESDAY_TEN) / HOUR for start in taken] == [-1, 0, 1, 3, 4, 5, 6]


def test_the_days_of_a_month_are_those_with_a_time_however_many_providers_there_are(host):
    """A few are asked first, and the others about the days that are left."""
    data = practice()
    hours = [*[{"monday": ["9:00-12:00"]}] * 8, {"wednesday": ["9:00-12:00"]}, {"thursday": ["9:00-10:00"]}]
    data["providers"] = [
        dict(data["providers"][0], key=f"p{n}", name=f"P{n}", hours=[one]) for n, one in enumerate(hours)
    ]
    host.apply(data)
    act(host, "book", PEOPLE["maya"], starts=TUESDAY_TEN + 2 * DAY - HOUR, type="visit", contact="phone", provider="p9")
    days = [TUESDAY_TEN.date() + n * DAY for n in range(21)]

    with host.app.app_context():
        known = host.portal.practice()
        found, _ = days_with_times(host.state, known, known.wish("visit", "phone"), days, host.clock())

    assert found == [day for day in days if slots(host, since=day, until=day)]
    assert [day.weekday() for day in found] == [2, 0, 2, 3, 0, 2, 3, 0], "the first Thursday is taken"


def test_any_provider_names_everybody_who_could(either_host):
    found = {slot.starts: slot.providers for slot in slots(either_host, until=date(2026, 12, 8))}

    assert found[TUESDAY_TEN] == ("ada", "ben")
    assert found[TUESDAY_TEN + 2 * HOUR] == ("ben",)


def test_slots_are_found_one_by_one(host):
    with host.app.app_context():
        found = host.portal.find_slots(type="visit", contact="phone")

        assert next(iter(found)).starts == TUESDAY_TEN - HOUR


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ({"type": "nothing"}, "type"),
        ({"contact": "fax"}, "contact"),
        ({"provider": "nobody"}, "provider"),
        ({"contact": "in-person"}, "location"),
    ],
)
def test_a_question_that_does_not_fit_names_the_field(host, choices, field):
    with pytest.raises(NotOffered) as refusal:
        slots(host, **choices)

    assert refusal.value.field == field


def test_a_range_that_is_over_before_it_begins_is_empty(host):
    assert slots(host, since=TUESDAY_TEN + DAY, until=TUESDAY_TEN) == []
    assert slots(host, since=date(2020, 1, 1), until=date(2020, 1, 2)) == []


@pytest.mark.parametrize(
    "edge",
    [
        {"until": date.max},
        {"since": date.max},
        {"since": date.min},
        {"until": datetime.max.replace(tzinfo=UTC)},
        {"since": datetime.min.replace(tzinfo=UTC)},
    ],
    ids=str,
)
def test_the_ends_of_time_are_as_good_as_any_other(host, edge):
    host.portal.busy_times(lambda provider, since, until: [])

    found = slots(host, provider="ada", **edge)

    assert bool(found) == (edge != {"since": date.max})


# Appointments.


def test_appointments_are_listed_soonest_first(either_host):
    late, soon = either_host.request(starts=TUESDAY_TEN + DAY), either_host.request("theo")

    assert act(either_host, "appointments") == [soon, late]


def test_appointments_are_chosen_by_status_client_and_start(either_host):
    maya, theo = either_host.request(), either_host.request("theo", TUESDAY_TEN + HOUR)
    theo = act(either_host, "confirm", theo.ref)

    def refs(**filters):
        return [found.ref for found in act(either_host, "appointments", **filters)]

    assert refs(status="confirmed") == [theo.ref]
    assert refs(status=["requested", "confirmed"]) == [maya.ref, theo.ref]
    assert refs(status=iter(["requested"])) == [maya.ref]
    assert refs(status=[]) == []
    assert refs(client="maya") == [maya.ref]
    assert refs(client="maya", status="confirmed") == []
    assert refs(client="nobody") == []
    assert refs(since=TUESDAY_TEN + HOUR) == [theo.ref]
    assert refs(until=TUESDAY_TEN + HOUR) == [maya.ref]
    assert refs(since=TUESDAY_TEN, until=TUESDAY_TEN) == []
    assert refs(limit=1) == [maya.ref]


def test_a_status_that_does_not_exist_is_a_mistake_and_not_an_empty_list(host):
    with pytest.raises(ValueError, match="rejected"):
        act(host, "appointments", status="rejected")


def test_a_naive_start_is_a_mistake(host):
    with pytest.raises(ValueError, match="no time zone"):
        act(host, "appointments", since=datetime(2026, 12, 8))  # noqa: DTZ001


def test_one_appointment_is_found_by_its_reference_alone(either_host):
    made = either_host.request()

    assert act(either_host, "appointment", made.ref) == made
    for ref in (str(made.id), made.ref.upper() + "x", made.ref[:-1], ""):
        with pytest.raises(NotFound):
            act(either_host, "appointment", ref)


def test_every_status_can_be_read_back(host):
    for status in ("declined", "cancelled", "withdrawn", "requested"):
        assert in_status(host, status).status == status


def test_what_a_verb_returns_is_what_is_read_afterwards(either_host):
    """Nothing is read back on the way, and a clock has fractions that the tables have not."""

    class Patient(Client):
        """A host's own kind of client."""

    either_host.apply(practice(requests_hold_time=False, request_expiry_hours=3))
    either_host.clock.advance(timedelta(milliseconds=123))
    maya = PEOPLE["maya"]
    calls = {"type": "call", "contact": "phone", "starts": TUESDAY_TEN + 3 * HOUR}
    returned = [
        either_host.request(note="My knee"),
        act(either_host, "request", Patient("theo", "Theo Brandt", "theo@example.org"), **calls),
        invite(either_host, TUESDAY_TEN + DAY),
        act(either_host, "invite", maya, **calls | {"starts": TUESDAY_TEN + 2 * DAY}, message="At noon?"),
    ]

    assert [act(either_host, "appointment", one.ref) for one in returned] == returned

    asked, confirmed, invited, proposed = returned
    returned = [
        act(either_host, "confirm", asked.ref, message="See you then."),
        act(either_host, "cancel", confirmed.ref, message="Ada is ill."),
        act(either_host, "accept", invited.ref),
        as_client(either_host, proposed.ref, Action.CANCEL, "I am travelling."),
    ]

    assert [act(either_host, "appointment", one.ref) for one in returned] == returned


# Several apps in one process.


def test_two_apps_with_a_database_each_do_not_mix(either_host, tmp_path, clock):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    database = open_database(url)
    migrate(database)
    database.close_all()
    other = make_host(url, tmp_path, clock)
    other.apply(practice(name="Oak Lane"))

    here = either_host.request()
    there = other.request("theo")

    assert act(either_host, "appointments") == [here]
    assert act(other, "appointments") == [there]
    assert act(other, "practice").name == "Oak Lane"
    assert act(either_host, "practice").name == "Elm Row Practice"
    with pytest.raises(NotFound):
        act(other, "confirm", here.ref)
    other.state.db.close_all()


def test_one_portal_serves_two_apps(sqlite_url, tmp_path, clock):
    one = make_host(sqlite_url, tmp_path, clock)
    second = Flask("second", instance_path=str(tmp_path))
    second.config.update(one.app.config | {"PORTAL_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"})
    one.portal.init_app(second)
    one.apply(practice())

    assert act(one, "practice").name == "Elm Row Practice"
    with second.app_context(), pytest.raises(SetupError, match="flask portal init"):
        one.portal.practice()
    one.state.db.close_all()


def test_an_app_without_a_portal_says_so(host):
    with Flask("bare").app_context(), pytest.raises(SetupError, match="no portal"):
        host.portal.practice()


def test_init_app_twice_is_a_mistake_that_is_named(host):
    with pytest.raises(SetupError, match="has a portal already"):
        host.portal.init_app(host.app)


# An appointment's life, told once from end to end.


def test_from_request_to_completed(either_host):
    made = either_host.request()
    act(either_host, "confirm", made.ref, message="See you then.")
    either_host.clock.now = made.ends
    done = act(either_host, "complete", made.ref)

    assert (done.status, done.version) == ("completed", 3)
    assert act(either_host, "appointments", status="completed") == [done]


def test_from_invitation_to_a_new_time(either_host):
    made = invite(either_host, MONDAY + 5 * DAY)
    as_client(either_host, made.ref, Action.CANCEL, "I am travelling.")
    again = invite(either_host, MONDAY + 6 * DAY)

    assert as_client(either_host, again.ref, Action.ACCEPT).status == "confirmed"
    assert [found.ref for found in act(either_host, "appointments", status="confirmed")] == [again.ref]
