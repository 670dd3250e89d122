"""Whether a practice is open for an appointment, and in a few words why not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal_plugin.domain.appointment import Appointment, Client
from portal_plugin.domain.availability import Diary, find_slots
from portal_plugin.domain.lifecycle import Status
from portal_plugin.domain.outside import why_outside
from portal_plugin.domain.practice import Closure, Hours, Override, Wish
from tests.domain import build

TUESDAY = date(2027, 1, 12)
WINDOWS = ("9:00-12:00", "13:00-17:00")


def appointment(starts, minutes=60, contact=build.PHONE, location=None, zone=build.NEW_YORK, kind=None, provider=None):
    return Appointment(
        ref="0" * 32,
        status=Status.CONFIRMED,
        type=kind or build.visit(),
        contact=contact,
        provider=provider or build.provider(),
        location=location,
        starts=starts,
        ends=starts + timedelta(minutes=minutes),
        zone=zone,
        client=Client("maya", "Maya Lindqvist", "maya@example.org"),
        note="",
        message="",
        reason="",
        text_reminders=False,
        version=1,
        created=starts,
        expires=starts,
        id=1,
        claim=None,
    )


def at(clock, minutes=60, day=TUESDAY, **more):
    return appointment(build.local(day, clock), minutes, **more)


def ada(*hours, **more):
    return build.provider(*(hours or [build.every_day(*WINDOWS, location="main")]), locations=("main",), **more)


@pytest.mark.parametrize(
    ("clock", "minutes", "why"),
    [
        ("9:00", 60, None),
        ("9:07", 53, None),
        ("11:00", 60, None),
        ("11:01", 60, "outside the hours"),
        ("8:59", 60, "outside the hours"),
        ("11:30", 120, "outside the hours"),
        ("16:00", 60, None),
        ("23:30", 60, "outside the hours"),
    ],
)
def test_inside_is_within_one_window_whatever_the_grid(clock, minutes, why):
    assert why_outside(build.practice(ada()), at(clock, minutes)) == why


def test_notice_horizon_and_buffers_do_not_matter():
    kind = build.visit(60, before=600, after=600, notice_hours=8000, horizon_days=0)
    assert why_outside(build.practice(ada(), kind=kind), at("9:00")) is None


def test_a_closed_day_says_what_closes_it():
    closed = build.practice(ada(), closures=[Closure(TUESDAY, TUESDAY, "Inventory")])
    assert why_outside(closed, at("9:00")) == "closed: Inventory"
    assert why_outside(closed, at("8:00")) == "closed: Inventory"
    holiday = replace(build.practice(ada()), holidays={TUESDAY: "Founders' Day"})
    assert why_outside(holiday, at("9:00")) == "closed: Founders' Day"


def test_an_override_replaces_the_hours_of_its_day():
    day_off = build.practice(ada(overrides=[build.on(TUESDAY)]))
    assert why_outside(day_off, at("9:00")) == "no hours on that day"
    assert why_outside(day_off, at("9:00", day=TUESDAY + timedelta(days=1))) is None
    longer = build.practice(ada(overrides=[build.on(TUESDAY, "9:00-20:00")]))
    assert why_outside(longer, at("19:00")) is None


def test_hours_hold_for_their_location_and_contact_type():
    here = build.every_day("9:00-12:00", location="main", contact_types=("in-person",))
    there = build.every_day("13:00-17:00", location="annex")
    practice = build.practice(build.provider(here, there, locations=("main", "annex")))
    in_person = {"contact": build.IN_PERSON, "location": build.MAIN}

    assert why_outside(practice, at("9:00", **in_person)) is None
    assert why_outside(practice, at("13:00", **in_person)) == "outside the hours"
    assert why_outside(practice, at("13:00", **in_person | {"location": build.ANNEX})) is None
    assert why_outside(practice, at("9:00")) == "outside the hours", "by phone, only the afternoon"
    assert why_outside(practice, at("13:00")) is None


def test_what_is_no_longer_offered_is_told_first():
    provider = ada()
    practice = build.practice(provider)
    kind = build.visit()
    in_person = at("9:00", contact=build.IN_PERSON, location=build.MAIN)

    def without(**settings):
        return build.practice(replace(provider, **settings))

    def kinds(**settings):
        return build.practice(provider, kind=replace(kind, **settings))

    def places(**settings):
        return replace(practice, locations={"main": replace(build.MAIN, **settings)})

    assert why_outside(practice, in_person) is None
    for changed, why in (
        (without(retired=True), "Ada is no longer listed"),
        (replace(practice, providers={}), "Ada is no longer listed"),
        (kinds(retired=True), "Therapy visit is no longer offered"),
        (replace(practice, types={}), "Therapy visit is no longer offered"),
        (kinds(contact_types=("phone",)), "Therapy visit is no longer offered as In person"),
        (without(types=()), "Ada no longer offers Therapy visit"),
        (without(contact_types=("phone",)), "Ada no longer offers In person"),
        (without(locations=("annex",)), "Ada no longer works at Main Street"),
        (places(retired=True), "Main Street is no longer listed"),
        (replace(practice, locations={}), "Main Street is no longer listed"),
    ):
        assert why_outside(changed, in_person) == why
    contacts = practice.contact_types
    for left in (contacts | {"in-person": replace(build.IN_PERSON, retired=True)}, {"phone": build.PHONE}):
        gone = replace(practice, contact_types=left)
        assert why_outside(gone, in_person) == "Therapy visit is no longer offered as In person"


def test_a_way_to_meet_that_now_needs_a_place_or_no_longer_does():
    practice = build.practice(ada())
    travelling = replace(build.PHONE, at_location=True)
    now_travels = replace(practice, contact_types=practice.contact_types | {"phone": travelling})
    assert why_outside(now_travels, at("9:00")) == "Phone call needs a location"
    remote = replace(build.IN_PERSON, at_location=False)
    now_remote = replace(practice, contact_types=practice.contact_types | {"in-person": remote})
    assert why_outside(now_remote, at("9:00", contact=build.IN_PERSON, location=build.ANNEX)) is None


def test_hours_are_read_on_their_own_clock():
    """Nine in Tokyo is the evening before in New York, and a closure is meant by the day that clients read."""
    tokyo = build.practice(build.provider(build.every_day("9:00-12:00", zone="Asia/Tokyo")))
    evening = at("19:00", day=TUESDAY)
    assert why_outside(tokyo, evening) is None
    assert why_outside(tokyo, at("9:00")) == "outside the hours"
    wednesday = Closure(TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=1), "")
    assert why_outside(replace(tokyo, closures=(wednesday,)), evening) is None
    tuesday = Closure(TUESDAY, TUESDAY, "")
    assert why_outside(replace(tokyo, closures=(tuesday,)), evening) == "closed: a closure of the practice"


def test_hours_behind_the_practices_clock_reach_into_its_next_day():
    """Eight in the evening in Honolulu is one in the night in New York."""
    honolulu = build.practice(build.provider(build.every_day("20:00-22:00", zone="Pacific/Honolulu")))

    assert why_outside(honolulu, at("1:00")) is None
    assert why_outside(honolulu, at("3:00")) == "outside the hours"


def test_a_closed_day_is_one_on_the_clock_of_the_place():
    tokyo = replace(build.MAIN, zone="Asia/Tokyo")
    provider = ada(build.every_day("9:00-12:00", zone="Asia/Tokyo", location="main"))
    wednesday = TUESDAY + timedelta(days=1)
    practice = replace(
        build.practice(provider, closures=[Closure(wednesday, wednesday, "")]), locations={"main": tokyo}
    )

    evening = at("19:00", contact=build.IN_PERSON, location=tokyo)
    assert why_outside(practice, evening) == "closed: a closure of the practice"
    assert why_outside(practice, replace(evening, contact=build.PHONE, location=None)) is None


def test_hours_may_end_or_begin_where_the_clock_jumps():
    day = date(2027, 3, 14)
    practice = build.practice(build.provider(build.every_day("1:00-2:00", "3:00-4:00")))

    assert why_outside(practice, at("1:00", day=day)) is None
    assert why_outside(practice, at("3:00", day=day)) is None
    assert why_outside(practice, at("1:00", 61, day=day)) == "outside the hours"


CHANGES = [
    (build.NEW_YORK, date(2027, 3, 14)),
    (build.NEW_YORK, date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Asia/Beirut", date(2022, 3, 27)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("UTC", date(2027, 1, 12)),
]
QUARTERS = st.lists(st.integers(0, 96).map(lambda quarter: quarter * 15), min_size=2, max_size=6, unique=True)


@st.composite
def cases(draw):
    zone, day = draw(st.sampled_from(CHANGES))
    windows = draw(QUARTERS.map(sorted).map(lambda e: [f"{a // 60}:{a % 60:02}-{b // 60}:{b % 60:02}"
                                                       for a, b in zip(e[::2], e[1::2], strict=False)]))  # fmt: skip
    provider = build.provider(build.every_day(*windows, zone=zone))
    closures = draw(st.sampled_from([[], [Closure(day, day, "")]]))
    return (
        zone,
        day,
        build.practice(provider, zone=zone, closures=closures, kind=build.visit(30, increment=15)),
        windows,
    )


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(-36 * 60, 36 * 60), st.integers(1, 300))
def test_inside_is_what_a_look_at_the_wall_every_minute_says(case, offset, minutes):
    zone, day, practice, windows = case
    starts = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(minutes=offset)
    walls = [(starts + timedelta(minutes=n)).astimezone(ZoneInfo(zone)) for n in range(minutes)]
    one_day = len({wall.date() for wall in walls}) == 1 and practice.closed_on(walls[0].date()) is None
    shown = [wall.hour * 60 + wall.minute for wall in walls]
    inside = one_day and any(
        all(window.opens <= minute < window.closes for minute in shown) for window in build.windows(*windows)
    )

    assert (why_outside(practice, appointment(starts, minutes, zone=zone)) is None) == inside


@settings(max_examples=100, deadline=None)
@given(cases())
def test_whatever_is_offered_is_inside(case):
    zone, day, practice, _ = case
    wish = Wish(practice.types["visit"], build.PHONE, tuple(practice.providers.values()), None, zone)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    now = noon - timedelta(days=2)
    for slot in find_slots(practice, wish, Diary(), since=now, until=noon + timedelta(days=2), now=now):
        assert why_outside(practice, appointment(slot.starts, 30, zone=zone)) is None


def test_hours_and_overrides_of_several_zones_are_each_read_on_their_own():
    day = TUESDAY
    here = Hours((build.windows("9:00-10:00"),) * 7, build.NEW_YORK)
    there = Override(day, build.windows("9:00-10:00"), zone="Europe/London")
    practice = build.practice(build.provider(here, overrides=[there]))
    assert why_outside(practice, at("9:00")) == "outside the hours"
    assert why_outside(practice, at("4:00")) is None
