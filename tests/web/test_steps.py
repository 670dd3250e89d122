"""The three steps as a client sees them, with and without JavaScript."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from portal_plugin.testing import Clock
from tests.practices import practice
from tests.support import STEP_2, TUESDAY_TEN, Host
from tests.web.both_databases import database_url, host, lasting_postgres
from tests.web.pages import BOOK, HTMX, UPCOMING, Page, counted, open_page, read, ref_of, send, step_2

__all__ = ["database_url", "host", "lasting_postgres"]

ADA_STEP_2 = STEP_2 + "&provider=ada"


# What every answer has in common.


@pytest.fixture(params=["step 1", "step 2", "step 3", "upcoming", "cancel"])
def address(request: pytest.FixtureRequest, host: Host) -> str:
    ref = host.request().ref
    return {
        "step 1": BOOK,
        "step 2": STEP_2,
        "step 3": f"/portal/appointments/{ref}/requested",
        "upcoming": UPCOMING,
        "cancel": f"/portal/appointments/{ref}/cancel",
    }[str(request.param)]


def test_a_browser_gets_a_whole_page_with_one_panel(maya: FlaskClient, address: str) -> None:
    page = open_page(maya, address)
    assert len(page.named("html")) == 1
    assert [tag["id"] for tag in page.named("section")] == ["portal-panel"]
    assert len(page.named("h1")) == 1


def test_htmx_gets_the_panel_alone(maya: FlaskClient, address: str) -> None:
    page = open_page(maya, address, **HTMX)
    assert next(name for name, _ in page.tags if name != "title") == "section"
    assert not {"html", "head", "body", "script", "link", "nav"}.intersection(name for name, _ in page.tags)
    assert [tag["id"] for tag in page.named("section")] == ["portal-panel"]


def test_the_panel_is_the_same_in_the_page_and_alone(maya: FlaskClient, address: str, clock: Clock) -> None:
    whole, alone = open_page(maya, address), open_page(maya, address, **HTMX)
    of_panel = [attrs["id"] for _, attrs in alone.tags if "id" in attrs]
    assert [id_ for id_ in whole.ids if id_ != "portal-live"] == of_panel
    assert set(alone.forms) == set(whole.forms)


@pytest.mark.parametrize(
    "headers", [{"HX-Request": "true", "HX-History-Restore-Request": "true"}, HTMX | {"HX-Request-Type": "full"}]
)
def test_htmx_gets_a_whole_page_when_it_restores_one(maya: FlaskClient, address: str, headers: dict[str, str]) -> None:
    assert open_page(maya, address, **headers).named("html")


def test_no_answer_is_kept_by_a_cache_or_confused_with_its_partial(maya: FlaskClient, address: str) -> None:
    for headers in ({}, HTMX):
        answer = maya.get(address, headers=headers)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HX-Request" in answer.headers["Vary"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_both_tabs_are_there_and_one_of_them_is_current(maya: FlaskClient, address: str) -> None:
    page = open_page(maya, address)
    tabs = [tag for tag in page.named("a") if tag["href"] in {BOOK, UPCOMING} and "data-hx-get" not in tag]
    assert [tag["href"] for tag in tabs[:2]] == [BOOK, UPCOMING]
    assert sum("aria-current" in tag for tag in tabs[:2]) == 1


# Step 1.


def choices(page: Page, name: str) -> list[str]:
    return [tag["value"] for tag in page.named("input") if tag.get("name") == name]


def test_step_1_asks_one_thing_after_the_other_without_javascript(maya: FlaskClient) -> None:
    page = open_page(maya, BOOK)
    assert choices(page, "type") == ["visit", "call"]
    assert not choices(page, "contact")
    page = open_page(maya, f"{BOOK}?type=visit")
    assert choices(page, "contact") == ["in-person", "phone"]
    assert not choices(page, "provider")
    page = open_page(maya, f"{BOOK}?type=visit&contact=in-person")
    assert choices(page, "location") == ["main", "annex"]
    assert choices(page, "provider") == ["", "ada", "ben"]
    assert "Confirm Type" in page.words
    assert list(page.forms) == [f"{BOOK}/time"]


def test_a_type_allows_only_its_own_contact_types(maya: FlaskClient) -> None:
    assert choices(open_page(maya, f"{BOOK}?type=call"), "contact") == ["phone"]


def test_what_has_one_answer_is_not_asked(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BOOK}?type=call")
    assert page.forms[f"{BOOK}/time"][0] == {"type": "call", "contact": "phone", "provider": "ada"}
    assert not choices(page, "location")


def test_a_location_narrows_the_providers_to_those_who_work_there(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BOOK}?type=visit&contact=in-person&location=annex")
    assert choices(page, "provider") == ["ben"]


def test_what_was_chosen_stays_chosen(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BOOK}?type=visit&contact=in-person&location=main&provider=ada")
    chosen = {"type": "visit", "contact": "in-person", "location": "main", "provider": "ada"}
    assert page.forms[f"{BOOK}/time"] == [chosen]


def test_a_practice_that_offers_nothing_says_whom_to_call(host: Host, maya: FlaskClient) -> None:
    host.apply(practice() | {"providers": []})
    assert "takes no appointments online" in open_page(maya, BOOK).words
    assert "+1 212 555 0100" in open_page(maya, BOOK).words


def test_step_2_with_something_missing_is_step_1_with_the_reason(maya: FlaskClient) -> None:
    page = open_page(maya, f"{BOOK}/time?type=visit", status=422)
    assert page.summary_links == ["#portal-contact"]
    assert choices(page, "contact") == ["in-person", "phone"]


# Step 2.


def test_step_2_shows_the_next_free_day_its_month_and_the_zone(maya: FlaskClient) -> None:
    page = open_page(maya)
    assert "December 2026" in page.words
    assert "Tuesday, December 8, 2026" in page.words
    assert "Eastern Time (New York)" in page.words
    assert page.times[0] == "2026-12-08T14:00:00Z"
    assert "9:00 AM" in page.words


def test_the_times_of_a_day_are_told_by_part_of_day(host: Host, maya: FlaskClient) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"tuesday": ["11:00-12:00", "16:00-18:00"]}]
    host.apply(data)
    page = open_page(maya)
    assert page.named("h3") == [{"class": "portal-part"}] * 3
    words = page.words
    order = [words.index(word) for word in ("Morning", "11:00 AM", "Afternoon", "4:00 PM", "Evening", "5:00 PM")]
    assert order == sorted(order)


def test_only_days_with_times_are_links(maya: FlaskClient) -> None:
    page = open_page(maya)
    days = {link.partition("date=")[2] for link in page.links if "date=2026-12" in link}
    assert days == {f"2026-12-{day:02}" for day in range(8, 32) if day not in {12, 13, 19, 20, 26, 27}}


def test_turning_the_month_stays_within_notice_and_horizon(maya: FlaskClient) -> None:
    def turns(page: Page) -> list[str]:
        return [tag["id"] for tag in page.named("a") if tag.get("class") == "portal-turn"]

    assert turns(open_page(maya, f"{STEP_2}&date=2026-12-09")) == ["portal-next"]
    assert turns(open_page(maya, f"{STEP_2}&date=2027-01-11")) == ["portal-previous", "portal-next"]
    assert turns(open_page(maya, f"{STEP_2}&date=2027-02-01")) == ["portal-previous"]


@pytest.mark.parametrize("day", ["0001-01-01", "2026-12-06", "2027-12-31", "9999-12-31"])
def test_a_day_outside_notice_and_horizon_becomes_the_nearest_inside(maya: FlaskClient, day: str) -> None:
    nearest = "Tuesday, December 8, 2026" if day < "2026-12-08" else "Friday, February 5, 2027"
    assert nearest in open_page(maya, f"{STEP_2}&date={day}").words


@pytest.mark.parametrize(
    "day", ["", "soon", "2026-02-30", "20261209", "2026-W50-3", "2026-12-09T10:00", "٢٠٢٦-١٢-٠٩", "\0"]
)
def test_a_day_that_is_none_means_the_next_one_with_times(maya: FlaskClient, day: str) -> None:
    assert "Tuesday, December 8, 2026" in open_page(maya, f"{STEP_2}&date={quote(day)}").words


def test_next_available_looks_beyond_the_month(host: Host, maya: FlaskClient) -> None:
    data = practice() | {"closures": [{"first": "2026-12-01", "last": "2027-01-14"}]}
    host.apply(data)
    page = open_page(maya)
    assert "January 2027" in page.words
    assert page.times[0] == "2027-01-15T14:00:00Z"
    december = open_page(maya, f"{STEP_2}&date=2026-12-09")
    assert "No time is free on this day." in december.words
    assert any(link.endswith("date=2027-01-15") for link in december.links)


def test_where_no_time_fits_at_all_the_practice_is_to_be_called(host: Host, maya: FlaskClient) -> None:
    data = practice() | {"closures": [{"first": "2026-12-01", "last": "2027-06-01"}]}
    host.apply(data)
    page = open_page(maya, ADA_STEP_2)
    assert not page.times
    assert "No time is free in the next 60 days." in page.words
    assert "+1 212 555 0100" in page.words


@pytest.mark.parametrize("days", [0, 1])
def test_a_horizon_shorter_than_the_notice_has_no_times_and_no_fault(host: Host, maya: FlaskClient, days: int) -> None:
    data = practice()
    data["appointment_types"][0] |= {"horizon_days": days, "notice_hours": 72}
    host.apply(data)
    for address in (STEP_2, f"{STEP_2}&date=2026-12-09"):
        assert not open_page(maya, address).times


def test_text_reminders_are_unticked_at_first_and_the_programme_stands_beside(maya: FlaskClient) -> None:
    page = open_page(maya)
    [box] = [tag for tag in page.named("input") if tag.get("type") == "checkbox"]
    assert "checked" not in box
    assert "Yes, send me text reminders" in page.words
    assert box["aria-describedby"] in page.ids
    for part in ("up to 2 SMS reminders per appointment", "Message and data rates may apply", "STOP at any time"):
        assert part in page.words


def test_the_phone_the_site_knows_is_filled_in(maya: FlaskClient) -> None:
    assert open_page(maya).form["phone"] == "+1 212 555 0187"


def test_the_consent_is_kept_with_everything_that_proves_it(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya, text_reminders="1", phone="(212) 555-0187")
    send(maya, form, {"User-Agent": "Phone 1.0"})
    found = host.state.db.execute_sql(
        "SELECT at, zone, client_id, phone, address, user_agent, page, text FROM portal_consent"
    )
    [(at, zone, client, phone, address, agent, page, text)] = found.fetchall()
    assert at == int(host.clock().timestamp())
    assert (zone, client, phone, address) == ("America/New_York", "maya", "+12125550187", "127.0.0.1")
    assert (agent, page) == ("Phone 1.0", BOOK)
    assert text.startswith("Yes, send me text reminders.")
    assert "STOP" in text


def test_a_type_that_confirms_itself_says_so(maya: FlaskClient) -> None:
    assert "confirmed right away" in open_page(maya, f"{BOOK}/time?type=call&contact=phone").words
    assert "reviews each request" in open_page(maya).words


def test_a_taken_time_is_not_offered_and_a_released_one_is_again(host: Host, maya: FlaskClient) -> None:
    ref = host.request("theo", provider="ada").ref
    assert "2026-12-08T15:00:00Z" not in open_page(maya, ADA_STEP_2).times
    with host.app.app_context():
        host.portal.decline(ref)
    assert "2026-12-08T15:00:00Z" in open_page(maya, ADA_STEP_2).times


# Step 3.


def test_step_3_tells_what_was_sent_and_what_happens_next(host: Host, maya: FlaskClient) -> None:
    answer = send(maya, step_2(maya, starts="2026-12-08T15:00:00Z", text_reminders="1"))
    page = open_page(maya, answer.location)
    for fact in (
        "went to Elm Row Practice for review",
        "Therapy visit, In person",
        "Tuesday, December 8, 2026",
        "10:00 AM – 10:50 AM",
        "Eastern Time (New York)",
        "Ada Moreau",
        "Main Street",
        "1 Main Street, New York",
        "writes to maya@example.org",
        "The time is held for you",
        "+1 212 555 0100",
        "Text reminders go to +1 212-555-0187. Reply STOP",
    ):
        assert fact in page.words
    assert counted(host) == (1, 1)


def test_a_request_that_confirms_itself_is_an_appointment_at_step_3(maya: FlaskClient) -> None:
    answer = send(maya, step_2(maya, f"{BOOK}/time?type=call&contact=phone"))
    assert "is confirmed" in open_page(maya, answer.location).words


def test_step_3_follows_what_became_of_the_request(host: Host, maya: FlaskClient) -> None:
    ref = host.request().ref
    with host.app.app_context():
        host.portal.decline(ref)
    assert "This request is declined" in open_page(maya, f"/portal/appointments/{ref}/requested").words


def test_htmx_is_led_to_step_3_too(maya: FlaskClient) -> None:
    answer = send(maya, step_2(maya), HTMX)
    assert answer.status_code == 303
    page = open_page(maya, answer.location, **HTMX)
    assert not page.named("html")
    assert "Request sent" in page.words


# Reload, Back, two tabs.


def test_two_tabs_send_two_requests(host: Host, maya: FlaskClient) -> None:
    one = step_2(maya, starts="2026-12-08T15:00:00Z")
    other = step_2(maya, starts="2026-12-09T15:00:00Z")
    assert ref_of(send(maya, one)) != ref_of(send(maya, other))
    assert counted(host) == (2, 2)


def test_reload_of_step_3_and_a_form_sent_again_are_one_request(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    first, again = send(maya, form), send(maya, form)
    assert ref_of(first) == ref_of(again)
    open_page(maya, first.location)
    open_page(maya, first.location)
    assert counted(host) == (1, 1)


def test_back_and_another_time_is_a_second_request(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya)
    send(maya, form)
    assert ref_of(send(maya, form | {"starts": "2026-12-09T15:00:00Z"}))
    assert counted(host) == (2, 2)


def test_the_same_form_after_a_cancellation_is_told_and_can_be_sent_anew(host: Host, maya: FlaskClient) -> None:
    form = step_2(maya, note="With my daughter")
    ref = ref_of(send(maya, form))
    with host.app.app_context():
        host.portal.cancel(ref)
    answer = send(maya, form)
    assert answer.status_code == 409
    page = read(answer)
    assert "cancelled" in page.words
    assert page.form["note"] == "With my daughter"
    assert ref_of(send(maya, page.form | {"starts": form["starts"]})) != ref
    assert counted(host)[0] == 2


def test_a_time_taken_meanwhile_is_told_with_fresh_times_and_what_was_typed(host: Host, maya: FlaskClient) -> None:
    form = step_2(
        maya,
        ADA_STEP_2,
        starts="2026-12-08T15:00:00Z",
        note="Stairs are hard",
        text_reminders="1",
        phone="212 555 0187",
    )
    host.request("theo", provider="ada")
    for headers in ({}, HTMX):
        answer = send(maya, form, headers)
        assert answer.status_code == 409
        page = read(answer)
        assert "taken a moment ago" in page.words
        assert page.summary_links == ["#portal-starts"]
        assert "2026-12-08T14:00:00Z" in page.times
        assert "2026-12-08T15:00:00Z" not in page.times
        assert {"note": "Stairs are hard", "phone": "212 555 0187", "text_reminders": "1"}.items() <= page.form.items()
        assert "starts" not in page.form
    assert answer.headers["HX-Push-Url"] == "false"
    assert counted(host) == (1, 1)


def test_the_last_time_of_a_day_taken_meanwhile_does_not_cost_what_was_typed(host: Host, maya: FlaskClient) -> None:
    data = practice()
    data["providers"][0]["hours"] = [{"tuesday": ["10:00-11:00"]}]
    host.apply(data)
    form = step_2(maya, ADA_STEP_2, note="Stairs are hard")
    host.request("theo", provider="ada")
    page = read(send(maya, form))
    assert "taken a moment ago" in page.words
    assert page.form.get("note") == "Stairs are hard"


def test_any_available_goes_to_whoever_has_less_that_day(host: Host, maya: FlaskClient) -> None:
    host.request("theo", provider="ada", contact="phone", location=None)
    address = f"{BOOK}/time?type=visit&contact=phone&date=2026-12-08"
    ref = ref_of(send(maya, step_2(maya, address, starts="2026-12-08T19:00:00Z")))
    with host.app.app_context():
        assert host.portal.appointment(ref).provider.key == "ben"


def test_an_hour_that_repeats_is_two_times_told_apart(host: Host) -> None:
    host.clock.now = datetime(2027, 11, 1, 12, 0, tzinfo=UTC)
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["1:00-2:00"]}]
    host.apply(data)
    browser = host.browser("maya")
    page = open_page(browser, f"{ADA_STEP_2}&date=2027-11-07")
    assert page.times[0] == "2027-11-07T05:00:00Z"
    assert "2027-11-07T06:00:00Z" in page.times
    assert "1:00 AM EDT" in page.words
    assert "1:00 AM EST" in page.words
    for at in ("2027-11-07T01:00:00-04:00", "2027-11-07T01:00:00-05:00"):
        assert send(browser, page.form | {"starts": at}).status_code == 303
    assert counted(host)[0] == 2


def test_an_hour_that_a_clock_change_skips_is_not_offered(host: Host) -> None:
    host.clock.now = datetime(2027, 3, 8, 12, 0, tzinfo=UTC)
    data = practice()
    data["providers"][0]["hours"] = [{"sunday": ["1:00-5:00"]}]
    host.apply(data)
    page = open_page(host.browser("maya"), f"{ADA_STEP_2}&date=2027-03-14")
    assert "2:00 AM" not in page.words
    assert "3:00 AM" in page.words
    assert page.times == sorted(page.times)


def test_the_host_s_busy_times_are_not_offered(host: Host, maya: FlaskClient) -> None:
    host.portal.busy_times(lambda key, since, until: [(TUESDAY_TEN, TUESDAY_TEN + timedelta(hours=1))])
    times = open_page(maya, ADA_STEP_2).times
    assert "2026-12-08T14:00:00Z" in times
    assert "2026-12-08T15:00:00Z" not in times
