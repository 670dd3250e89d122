"""Who offers what, where and when; and a wish names the choice at fault."""

from dataclasses import replace
from datetime import date

import pytest

from portal_plugin.domain.errors import NotOffered
from portal_plugin.domain.practice import Closure, Window, joined
from tests.domain import build

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
