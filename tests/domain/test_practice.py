"""Who offers what, where and when; and a wish names the choice at fault."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal_plugin.domain.errors import NotOffered
from portal_plugin.domain.guests import NewClients
from portal_plugin.domain.practice import Audience, Closure, Window, joined
from tests.domain import build

TUESDAY = date(2026, 12, 8)
IN_PERSON, PHONE = build.IN_PERSON, build.PHONE


def practice(**changed):
    """Ada works at both places, Ben at the annex alone."""
    ada = replace(build.provider(build.every_day("9:00-10:00")), locations=("main", "annex"))
    ben = replace(build.provider(build.every_day("9:00-10:00"), key="ben", number=2), locations=("annex",))
    return replace(build.practice(ada, ben), **changed)


def keys(things):
    return [thing.key for thing in things]


def test_a_wish_is_made_of_choices_that_fit_each_other():
    wish = practice().wish("visit", "in-person", "ben", "annex")

    assert (wish.type.key, wish.contact.key, wish.location.key) == ("visit", "in-person", "annex")
    assert keys(wish.providers) == ["ben"]
    assert not wish.any_provider


def test_no_provider_means_anybody_who_offers_it_there():
    everybody = practice()

    assert keys(everybody.wish("visit", "in-person", None, "annex").providers) == ["ada", "ben"]
    assert keys(everybody.wish("visit", "in-person", None, "main").providers) == ["ada"]
    assert everybody.wish("visit", "phone").any_provider


def test_at_a_distance_there_is_no_location_and_the_practices_clock_counts():
    wish = practice().wish("visit", "phone", location="main")

    assert wish.location is None
    assert wish.zone == build.NEW_YORK


def test_at_a_location_its_own_clock_counts():
    abroad = replace(build.MAIN, zone="Europe/London")

    assert practice(locations={"main": abroad, "annex": build.ANNEX}).wish("visit", "in-person", None, "main").zone == (
        "Europe/London"
    )


def test_a_location_may_be_left_out_where_there_is_only_one():
    ben = replace(build.provider(build.every_day("9:00-10:00"), key="ben"), locations=("annex",))

    assert build.practice(ben).wish("visit", "in-person").location == build.ANNEX


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        (("nothing", "phone"), "type"),
        (("", "phone"), "type"),
        (("visit", "fax"), "contact"),
        (("visit", ""), "contact"),
        (("visit", "phone", "nobody"), "provider"),
        (("visit", "in-person", "ben", "main"), "provider"),
        (("visit", "in-person", None, "moon"), "location"),
        (("visit", "in-person", None, None), "location"),
        (("visit", "in-person", None, ""), "location"),
        # Nobody travels, and still there is no such place.
        (("visit", "phone", None, "moon"), "location"),
        (("VISIT", "phone"), "type"),
        (("visit\0", "phone"), "type"),
    ],
)
def test_a_wish_that_does_not_fit_names_the_field_at_fault(choices, field):
    with pytest.raises(NotOffered) as refusal:
        practice().wish(*choices)

    assert refusal.value.field == field
    assert str(refusal.value).startswith("Choose ")


def test_a_wish_that_does_not_fit_names_what_it_was_for():
    with pytest.raises(NotOffered, match="not offered for Therapy visit"):
        practice().wish("visit", "fax")
    with pytest.raises(NotOffered, match="a provider who offers Therapy visit"):
        practice().wish("visit", "phone", "nobody")


def test_what_is_retired_is_not_offered():
    ada, ben = practice().providers.values()
    without_ben = practice(providers={"ada": ada, "ben": replace(ben, retired=True)})

    assert keys(without_ben.wish("visit", "phone").providers) == ["ada"]
    with pytest.raises(NotOffered):
        without_ben.wish("visit", "phone", "ben")


def test_a_retired_type_contact_or_location_is_not_offered():
    kind = build.visit()

    assert practice(types={"visit": replace(kind, retired=True)}).bookable_types() == []
    assert keys(
        practice(contact_types={"phone": PHONE, "in-person": replace(IN_PERSON, retired=True)}).contacts_for(kind)
    ) == ["phone"]
    assert keys(
        practice(locations={"main": build.MAIN, "annex": replace(build.ANNEX, retired=True)}).locations_for(
            kind, IN_PERSON
        )
    ) == ["main"]


def test_a_type_that_nobody_offers_is_not_listed():
    ada = replace(build.provider(build.every_day("9:00-10:00")), types=())

    assert build.practice(ada).bookable_types() == []


def test_a_way_to_meet_needs_somebody_who_offers_it():
    ada = replace(build.provider(build.every_day("9:00-10:00")), contact_types=("phone",))

    assert keys(build.practice(ada).contacts_for(build.visit())) == ["phone"]


def test_locations_are_those_of_the_providers_who_offer_it():
    ben = replace(build.provider(build.every_day("9:00-10:00"), key="ben"), locations=("annex",))

    assert build.practice(ben).locations_for(build.visit(), IN_PERSON) == [build.ANNEX]
    assert build.practice(ben).locations_for(build.visit(), PHONE) == []


def test_a_provider_is_found_by_number():
    assert practice().by_number[2].key == "ben"


def test_closed_days_run_through_the_last_day():
    shut = build.practice(closures=[Closure(date(2026, 12, 24), date(2026, 12, 26), "Holidays")])

    told = {day: shut.closed_on(date(2026, 12, day)) for day in range(23, 28)}
    assert told == {23: None, 24: "Holidays", 25: "Holidays", 26: "Holidays", 27: None}


def test_the_first_closure_that_is_listed_names_a_day_and_a_holiday_names_what_no_closure_does():
    day, next_day = date(2026, 12, 24), date(2026, 12, 25)
    two = [Closure(day, day, "Inventory"), Closure(day, day, "Holidays")]

    assert practice(closures=tuple(two)).closed_on(day) == "Inventory"
    holidays = practice(closures=tuple(two), holidays={day: "Christmas Eve", next_day: "Christmas Day"})
    assert (holidays.closed_on(day), holidays.closed_on(next_day)) == ("Inventory", "Christmas Day")
    assert practice(closures=(Closure(day, day, ""),)).closed_on(day) == "a closure of the practice"


def test_a_map_of_the_practices_own_shows_the_way_else_a_search_for_the_address():
    place = replace(build.MAIN, address="1 Main Street, Elm & Row")

    assert replace(place, map="https://maps.example.org/1").directions == "https://maps.example.org/1"
    assert place.directions == "https://www.openstreetmap.org/search?query=1%20Main%20Street%2C%20Elm%20%26%20Row"
    assert replace(place, address="").directions == ""


@pytest.mark.parametrize(
    ("who", "known", "new"),
    [(Audience.ANYONE, True, True), (Audience.CLIENTS, True, False), (Audience.INVITED, False, False)],
)
def test_a_type_is_open_to_whom_it_is_for(who, known, new):
    kind = replace(build.visit(), who=who)

    assert (kind.open_to(new=False), kind.open_to(new=True)) == (known, new)


def test_a_type_has_a_waitlist_where_the_practice_has_one_unless_it_is_left_out_or_for_the_invited():
    kind, waiting = build.visit(), practice(waitlist=timedelta(hours=12))

    assert waiting.has_waitlist(kind)
    assert waiting.has_waitlist(replace(kind, who=Audience.ANYONE))
    assert not waiting.has_waitlist(replace(kind, who=Audience.INVITED))
    assert not waiting.has_waitlist(replace(kind, waitlist=False))
    assert not practice().has_waitlist(kind)


@pytest.mark.parametrize(
    ("hold", "new_clients", "requests_hold_time", "has_holds"),
    [
        (timedelta(), None, True, False),
        (timedelta(minutes=10), None, False, True),
        (timedelta(), NewClients(timedelta(hours=1)), True, True),
        (timedelta(), NewClients(timedelta(hours=1)), False, False),
    ],
)
def test_a_time_may_be_held_at_the_form_or_at_a_guests_mailbox(hold, new_clients, requests_hold_time, has_holds):
    settings = {"hold": hold, "new_clients": new_clients, "requests_hold_time": requests_hold_time}

    assert practice(**settings).has_holds is has_holds


def test_outside_calendars_are_read_of_those_who_still_work_there():
    ada, ben = practice().providers.values()
    busy = replace(ben, busy_calendar="https://calendar.example.org/ben")

    assert not practice().reads_calendars
    assert practice(providers={"ada": ada, "ben": busy}).reads_calendars
    assert not practice(providers={"ada": ada, "ben": replace(busy, retired=True)}).reads_calendars


def test_providers_with_the_same_hours_share_what_is_worked_out_of_them_and_no_others_do():
    ada = build.provider(build.every_day("9:00-10:00"))
    alone = (
        replace(ada, key="later", hours=(build.every_day("10:00-11:00"),)),
        replace(ada, key="abroad", zone="Europe/London"),
        replace(ada, key="away", overrides={TUESDAY: (build.on(TUESDAY),)}),
    )
    shared = build.practice(ada, replace(ada, key="ben", number=2), *alone)
    wish = shared.wish("visit", "phone")
    timetables = [id(shared.timetable(wish, provider)) for provider in shared.providers.values()]

    assert timetables[0] == timetables[1]
    assert len(set(timetables)) == 4


def test_each_type_each_way_to_meet_and_each_place_is_worked_out_for_itself():
    kind = build.visit()
    types = {"visit": kind, "first": replace(kind, key="first")}
    ada = replace(practice().providers["ada"], types=("visit", "first"))
    several = practice(types=types, providers={"ada": ada})
    wishes = [
        several.wish("visit", "phone"),
        several.wish("first", "phone"),
        several.wish("visit", "in-person", None, "main"),
        several.wish("visit", "in-person", None, "annex"),
    ]

    assert len({id(several.timetable(wish, ada)) for wish in wishes}) == len(wishes)
    assert all(several.timetable(wish, ada) is several.timetable(wish, ada) for wish in wishes)


def test_what_is_worked_out_is_kept_for_the_longest_horizon_and_not_for_ever():
    asked = practice()
    wish, ada = asked.wish("visit", "phone", "ada"), asked.providers["ada"]
    known = asked.timetable(wish, ada)

    def work_out(days: int) -> None:
        known.update({TUESDAY + timedelta(days=n): () for n in range(days)})

    work_out(731)
    assert asked.timetable(wish, ada) is known
    work_out(5_000)
    assert asked.timetable(wish, ada) == {}


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([], []),
        ([(600, 660), (540, 600)], [(540, 660)]),
        ([(540, 600), (540, 660)], [(540, 660)]),
        ([(540, 720), (570, 600)], [(540, 720)]),
        ([(540, 600), (601, 660)], [(540, 600), (601, 660)]),
    ],
)
def test_windows_that_overlap_or_touch_are_joined(windows, expected):
    assert joined(Window(*window) for window in windows) == expected
