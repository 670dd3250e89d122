"""Staff see who waits, in order, and take somebody off the list."""

from tests.services.line import TUESDAY, WITH_WAITLIST, join, line
from tests.services.steps import rows
from tests.support import Host
from tests.web.desk import REVIEW, WAITLIST
from tests.web.pages import open_page


def test_the_list_says_who_waits_for_what_since_when_in_order(host: Host) -> None:
    rosa = host.browser("rosa")
    assert "Waitlist" not in open_page(rosa, REVIEW).words
    host.apply(WITH_WAITLIST)
    assert WAITLIST in open_page(rosa, REVIEW).links
    assert "Nobody waits for a time." in open_page(rosa, WAITLIST).words
    join(host, "maya")
    join(host, "theo", TUESDAY, weekdays=frozenset({1}))
    words = open_page(rosa, WAITLIST).words
    assert "Maya since Monday, December 7, 2026, 7:00 AM Type Therapy visit, In person" in words
    assert words.index("Maya") < words.index("Theo")


def test_who_is_removed_waits_no_more_and_twice_is_once(host: Host) -> None:
    rosa = host.browser("rosa")
    host.apply(WITH_WAITLIST)
    join(host, "maya")
    join(host, "theo")
    form = open_page(rosa, WAITLIST).forms[WAITLIST][0]
    assert rosa.post(WAITLIST, data=form | {"portal_token": ""}).status_code == 400
    assert [rosa.post(WAITLIST, data=form).status_code for _ in range(2)] == [303, 303]
    assert line(host) == ["theo"]
    assert rows(host, "SELECT actor_kind, actor FROM portal_history WHERE action = 'wait_end'") == [
        ("staff", "Rosa Delgado")
    ]
