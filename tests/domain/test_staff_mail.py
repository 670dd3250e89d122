"""Who of the staff is told what, and when."""

import re
from dataclasses import replace
from datetime import time

import pytest

from portal_plugin.domain.lifecycle import Action, ActorKind, Status
from portal_plugin.domain.staff_mail import News, StaffMail, news_of, read_staff_mail
from tests.domain.build import visit

DESK = "desk@example.org"


def test_an_address_alone_is_told_everything_at_once():
    assert read_staff_mail({"to": DESK}) == StaffMail(DESK, frozenset(News), None)


def test_events_and_time_are_chosen():
    entry = read_staff_mail({"to": DESK, "events": ["expired", "requested"], "send": "daily at 07:30"})
    assert entry == StaffMail(DESK, frozenset({News.REQUESTED, News.EXPIRED}), time(7, 30))


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (DESK, "write a dict with to"),
        (None, "write a dict with to"),
        ({}, "to is None: write one address"),
        ({"to": "desk"}, "to is 'desk': write one address"),
        ({"to": "a@example.org, b@example.org"}, "an entry for each"),
        ({"to": "Desk <desk@example.org>"}, "write one address"),
        ({"to": "desk@example.org\r\nBcc: x@example.org"}, "write one address"),
        ({"to": [DESK]}, "write one address"),
        ({"to": DESK, "event": ["requested"]}, "event is not known: write to, events, send"),
        ({"to": DESK, 5: ""}, "5 is not known"),
        ({"to": DESK, "events": []}, "requested, booked, cancelled, accepted, declined, expiring, expired"),
        ({"to": DESK, "events": "requested"}, "leave it out for all"),
        ({"to": DESK, "events": ["confirmed"]}, "'confirmed', which is none of requested"),
        ({"to": DESK, "events": [["requested"]]}, "['requested'], which is none of"),
        ({"to": DESK, "send": "daily"}, 'write "single", or "daily at 18:00"'),
        ({"to": DESK, "send": "daily at 24:00"}, '"daily at 18:00"'),
        ({"to": DESK, "send": "daily at 6:00"}, '"daily at 18:00"'),
        ({"to": DESK, "send": "daily at 18:00\n"}, '"daily at 18:00"'),
        ({"to": DESK, "send": "daily at 1８:00"}, '"daily at 18:00"'),
        ({"to": DESK, "send": 18}, '"daily at 18:00"'),
    ],
)
def test_what_cannot_be_is_named_with_what_to_write(data, advice):
    with pytest.raises(ValueError, match=re.escape(advice)):
        read_staff_mail(data)


CLIENT, STAFF, HOST, SYSTEM = ActorKind.CLIENT, ActorKind.STAFF, ActorKind.HOST, ActorKind.SYSTEM


@pytest.mark.parametrize(
    ("action", "actor", "was", "news"),
    [
        (Action.REQUEST, CLIENT, None, News.REQUESTED),
        (Action.REQUEST, HOST, None, News.REQUESTED),
        (Action.CANCEL, CLIENT, Status.REQUESTED, News.CANCELLED),
        (Action.CANCEL, CLIENT, Status.CONFIRMED, News.CANCELLED),
        (Action.CANCEL, CLIENT, Status.INVITED, News.DECLINED),
        (Action.ACCEPT, CLIENT, Status.INVITED, News.ACCEPTED),
        # What takes its place is told of.
        (Action.REPLACE, CLIENT, Status.REQUESTED, None),
        (Action.EXPIRE, SYSTEM, Status.REQUESTED, News.EXPIRED),
        (Action.EXPIRE, SYSTEM, Status.INVITED, News.EXPIRED),
        (Action.CANCEL, STAFF, Status.CONFIRMED, None),
        (Action.CANCEL, HOST, Status.CONFIRMED, None),
        (Action.ACCEPT, STAFF, Status.INVITED, None),
        (Action.CONFIRM, STAFF, Status.REQUESTED, None),
        (Action.CONFIRM, SYSTEM, Status.REQUESTED, None),
        (Action.BOOK, HOST, None, None),
        (Action.INVITE, STAFF, None, None),
    ],
)
def test_staff_hear_what_the_practice_did_not_do_itself(action, actor, was, news):
    assert news_of(visit(), action, actor, was) is news


def test_what_confirms_itself_is_booked():
    assert news_of(replace(visit(), confirms_itself=True), Action.REQUEST, CLIENT, None) is News.BOOKED
