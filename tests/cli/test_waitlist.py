"""`flask portal waitlist`: who waits, in the order in which they are offered a time."""

import json

from tests.cli.test_commands import lines, run
from tests.services.line import TUESDAY, WITH_WAITLIST, join
from tests.support import Host


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
