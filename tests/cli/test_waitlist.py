"""`flask portal waitlist` and `intake`: who waits for a time, and what new clients answered."""

import json
from datetime import timedelta

from tests.cli.test_commands import lines, run
from tests.services.line import TUESDAY, WITH_WAITLIST, join
from tests.support import TUESDAY_TEN, Host
from tests.web.visiting import became_guest, open_practice


def test_what_a_new_client_answered_is_told_for_people_and_for_programs(host: Host) -> None:
    host.apply(open_practice())
    became_guest(host)
    with host.app.app_context():
        [asked] = host.portal.appointments()
    assert lines(run(host, "intake", asked.ref))[:2] == [
        "What brings you here?             Zwölf Nächte ohne Schlaf",
        "How did you hear of us?           A friend",
    ]
    [first, *_] = json.loads(run(host, "intake", asked.ref, "--json").output)["items"]
    assert (first["key"], first["kind"]) == ("brings", "text")
    assert run(host, "intake", host.request("maya", TUESDAY_TEN + timedelta(days=1)).ref).output == (
        "Nothing was asked of this client.\n"
    )


def test_the_line_is_listed_for_people_and_for_programs(host: Host) -> None:
    host.apply(WITH_WAITLIST)
    assert run(host, "waitlist").output == "Nobody waits.\n"
    join(host, "maya", provider=None, contact="phone", location=None)
    join(host, "theo", TUESDAY, weekdays=frozenset({1}))

    assert lines(run(host, "waitlist")) == [
        "2026-12-07 07:00 EST  maya  Maya  visit by phone      anybody  2026-12-08 to 2026-12-08",
        "2026-12-07 07:00 EST  theo  Theo  visit by in-person  anybody  2026-12-08 to 2026-12-08, tuesday",
    ]
    [first, second] = json.loads(run(host, "waitlist", "--json").output)["items"]
    assert (first["client"]["id"], first["provider"], first["earliest"]) == ("maya", None, "2026-12-08")
    assert (second["weekdays"], second["created"]) == (["tuesday"], "2026-12-07T12:00:02Z")
