"""SECRET_KEY is replaced, and what was signed with the one before stays good as long as that is in
SECRET_KEY_FALLBACKS; what has a secret of its own does not notice.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator

from portal_plugin import Client
from portal_plugin.domain.consent import Way
from portal_plugin.services.consents import may_text, opt_out
from portal_plugin.testing import Clock, Mail, mailbox
from tests.api.support import WANTED, System, make_key
from tests.support import TUESDAY_TEN, Host, make_host
from tests.web import texter
from tests.web.pages import UPCOMING, open_page, ref_of, send, step_2
from tests.web.visiting import ELEVEN, ask, guest_page_in, introduction, link_in, open_practice, press

BEFORE, TODAY = "the key before, with enough letters", "the key of today, with enough letters"
CALENDAR = "/portal/appointments/calendar"
DAY = timedelta(days=1)
FORGOTTEN = "+12125550142"

Make = Callable[..., Host]


@pytest.fixture
def make(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Make]:
    """Processes of one site, each with its keys: the one that signs, and earlier ones."""
    made: list[Host] = []

    def host(key: str, *earlier: Any) -> Host:
        keys = {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": list(earlier)}
        made.append(make_host(sqlite_url, tmp_path, clock, PORTAL_TWILIO=texter.TWILIO, **keys))
        return made[-1]

    yield host
    for one in made:
        one.state.db.close_all()


@pytest.fixture
def before(make: Make) -> Iterator[Host]:
    host = make(BEFORE)
    host.apply(open_practice(questions=False))
    with mailbox(host.app) as host.mailbox:
        yield host


def with_fallback(make: Make) -> Host:
    return make(TODAY, BEFORE)


def without_fallback(make: Make) -> Host:
    return make(TODAY)


def delivered(host: Host) -> list[Mail]:
    with mailbox(host.app) as host.mailbox:
        return host.deliver()


def as_before(old: FlaskClient, host: Host) -> FlaskClient:
    """The same browser, whose next request meets another process."""
    cookie, browser = old.get_cookie("session"), host.app.test_client()
    assert cookie is not None
    browser.set_cookie("session", cookie.value)
    return browser


# What is signed.


class Open(NamedTuple):
    """What clients and visitors have in hand when the key is replaced."""

    maya: FlaskClient
    form: dict[str, Any]
    again: str
    verify: str
    own_page: str
    introduction: dict[str, str]


@pytest.fixture
def in_hand(before: Host) -> Open:
    maya, visitor = before.browser("maya"), before.browser(None)
    declined = before.request()
    with before.app.app_context():
        before.portal.decline(declined.ref)
    [*_, mail] = before.deliver()
    [again] = [link for link in mail.links if "/portal/link/" in link]
    ask(visitor)
    [mail] = before.deliver()
    press(visitor, link_in(mail))
    [received] = before.deliver()
    second = before.browser(None)
    ask(second, ELEVEN, email="second@example.org")
    [waiting] = before.deliver()
    return Open(
        maya,
        step_2(maya),
        again.removeprefix("https://www.elmrow.example"),
        link_in(waiting),
        guest_page_in(received),
        introduction(visitor, "2026-12-09T15:00:00Z", email="third@example.org"),
    )


def answers(host: Host, in_hand: Open) -> dict[str, int]:
    """The status of each thing, used at this process."""
    visitor, maya = host.app.test_client(), as_before(in_hand.maya, host)
    signed_in = maya.get(UPCOMING).status_code
    # Whoever has to sign in again comes back to the same page.
    maya = host.browser("maya")
    return {
        "session": signed_in,
        "form": send(maya, in_hand.form).status_code,
        "link to ask again": maya.get(in_hand.again).status_code,
        "link to verify": visitor.get(in_hand.verify).status_code,
        "own page": visitor.get(in_hand.own_page).status_code,
        "visitor's form": visitor.post("/portal/appointments/book/you", data=in_hand.introduction).status_code,
    }


GOOD = {"session": 200, "form": 303, "link to ask again": 303, "link to verify": 200, "own page": 200} | {
    "visitor's form": 200
}


def test_all_that_was_signed_before_is_good_while_the_key_before_is_a_fallback(make: Make, in_hand: Open) -> None:
    assert answers(with_fallback(make), in_hand) == GOOD


def test_and_is_refused_kindly_once_that_is_gone(make: Make, in_hand: Open) -> None:
    host = without_fallback(make)
    assert answers(host, in_hand) == {
        "session": 302,
        "form": 400,
        "link to ask again": 404,
        "link to verify": 404,
        "own page": 404,
        "visitor's form": 400,
    }
    kept = send(host.browser("maya"), in_hand.form | {"note": "Please ring twice."})
    assert "Please ring twice." in kept.text
    assert "open for too long" in kept.text


def test_a_process_that_still_signs_with_the_key_before_takes_the_new_one_s_where_it_was_told_of_it(
    make: Make, before: Host
) -> None:
    """So several processes, restarted one after the other, never refuse each other's pages."""
    today = with_fallback(make)
    form = step_2(today.browser("maya"))
    assert send(before.browser("maya"), form).status_code == 400
    assert send(make(BEFORE, TODAY).browser("maya"), form).status_code == 303


def test_mails_that_wait_during_the_change_have_links_that_work(make: Make, before: Host) -> None:
    """Links are signed when a mail goes out, by whichever process sends it."""
    ref = before.request().ref
    with before.app.app_context():
        before.portal.decline(ref)
    ask(before.browser(None), ELEVEN)
    today = with_fallback(make)
    mails = delivered(today)
    assert len(mails) == 3
    alone = without_fallback(make)
    [again] = [link for mail in mails for link in mail.links if "/portal/link/" in link]
    [verify] = [mail for mail in mails if "/portal/verify/" in mail.text]
    for host in (today, alone):
        assert host.browser("maya").get(again.removeprefix("https://www.elmrow.example")).status_code == 303
        assert open_page(host.app.test_client(), link_in(verify)).forms


def sent(host: Host, starts: str) -> Client:
    """A visitor's request, made by the mailed link; the client that it has."""
    visitor = host.app.test_client()
    assert ask(visitor, starts).status_code == 200
    [mail] = delivered(host)
    ref = ref_of(press(visitor, link_in(mail)))
    delivered(host)
    with host.app.app_context():
        return host.portal.appointment(ref).client


@pytest.mark.parametrize(("earlier", "same"), [([BEFORE], True), ([], False)])
def test_a_guest_stays_who_they_are_as_long_as_the_key_is_known(
    make: Make, before: Host, earlier: list[str], same: bool
) -> None:
    """Or a practice's rules about one client would begin anew."""

    first = sent(before, ELEVEN)
    today = make(TODAY, *earlier)
    assert (sent(today, "2026-12-09T15:00:00Z").id == first.id) is same
    ids = [sent(today, start).id for start in ("2026-12-10T15:00:00Z", "2026-12-10T19:00:00Z")]
    assert ids[0] == ids[1]


def test_a_guest_who_is_new_is_known_by_the_newest_key(make: Make, before: Host) -> None:
    assert sent(with_fallback(make), ELEVEN).id == sent(without_fallback(make), "2026-12-09T15:00:00Z").id


def test_who_was_forgotten_stays_opted_out_as_long_as_the_key_is_known(make: Make, before: Host) -> None:
    """A number that nobody forgot stands there as it is, and needs no key."""
    clock = before.clock
    with before.app.app_context():
        made = before.portal.request(
            Client("gone", "Gone", "gone@example.org", FORGOTTEN), type="visit", contact="phone", starts=TUESDAY_TEN
        )
        before.portal.decline(made.ref)
        for phone in (FORGOTTEN, "+12125550143"):
            opt_out(before.state, phone, Way.TEXT, "STOP", clock())
        before.portal.erase_client("gone")
    for host, forgotten in ((before, False), (with_fallback(make), False), (without_fallback(make), True)):
        with host.app.app_context():
            assert may_text(host.state, FORGOTTEN) is forgotten
            assert not may_text(host.state, "+12125550143")


# What is not.


def test_feeds_keys_of_the_api_and_the_gateway_s_signature_do_not_notice(make: Make, before: Host) -> None:
    maya = before.browser("maya")
    maya.post(CALENDAR, data=open_page(maya, CALENDAR).forms[CALENDAR][0])
    [(secret,)] = before.state.db.execute_sql("SELECT secret FROM portal_feed").fetchall()
    key = make_key(before)
    first = System(before.app.test_client(), key).post("/requests", WANTED, once="the-same-call")
    host = without_fallback(make)
    assert host.app.test_client().get(f"/portal/calendar/{secret}.ics").status_code == 200
    again = System(host.app.test_client(), key).post("/requests", WANTED, once="the-same-call")
    assert (again.status_code, again.json["ref"]) == (201, first.json["ref"])
    assert texter.answered(texter.send_text(host, "HELP")) == []
    stale = {"MessageSid": "SM9", "From": FORGOTTEN, "Body": "STOP"}
    signature = RequestValidator("0" * 32).compute_signature(texter.URL, stale)
    assert texter.post(host, stale, signature).status_code == 403


def test_while_the_gateway_s_token_is_replaced_what_comes_in_is_genuine_by_either(
    sqlite_url: str, tmp_path: Path, clock: Clock, before: Host
) -> None:
    """Twilio signs with the one until it is told to use the other, and a STOP must not get lost between."""
    other = "f" * 32
    for settings, statuses in (
        (texter.TWILIO, [200, 403]),
        (texter.TWILIO | {"other_auth_token": other}, [200, 200]),
        (texter.TWILIO | {"auth_token": other}, [403, 200]),
    ):
        host = make_host(sqlite_url, tmp_path, clock, PORTAL_TWILIO=settings)
        tokens = (texter.TOKEN, other)
        assert [texter.send_text(host, "STOP", token=token).status_code for token in tokens] == statuses
        assert texter.send_text(host, "STOP", token="").status_code == 403
        host.state.db.close_all()


# How keys are written.


def test_keys_may_be_bytes_and_sign_as_the_same_letters_do(make: Make, before: Host, in_hand: Open) -> None:
    assert answers(make(TODAY.encode(), BEFORE.encode()), in_hand) == GOOD


def test_bytes_need_be_no_letters(make: Make, before: Host) -> None:
    earlier = make(b"\xff\x00 bytes before, and enough")
    form = step_2(earlier.browser("maya"))
    today = make(b"\xfe\x00 bytes of today, and enough", b"\xff\x00 bytes before, and enough")
    assert send(today.browser("maya"), form).status_code == 303


def test_several_earlier_keys_count(make: Make, in_hand: Open) -> None:
    assert answers(make("the third key, with enough letters", TODAY, BEFORE), in_hand) == GOOD
