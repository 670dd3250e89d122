"""A small practice for tests, as a dict in the practice file's shape. Change it with `practice(...)`."""

from copy import deepcopy
from typing import Any

PRACTICE: dict[str, Any] = {
    "practice": {
        "name": "Elm Row Practice",
        "zone": "America/New_York",
        "phone": "+1 212 555 0100",
        "email": "desk@elmrow.example",
    },
    "locations": [
        {"key": "main", "name": "Main Street", "address": "1 Main Street, New York"},
        {"key": "annex", "name": "The Annex", "address": "2 Side Street, New York"},
    ],
    "contact_types": [
        {"key": "in-person", "name": "In person", "at_location": True},
        {"key": "phone", "name": "Phone call"},
    ],
    "appointment_types": [
        {
            "key": "visit",
            "name": "Therapy visit",
            "minutes": 50,
            "buffer_after": 10,
            "increment": 30,
            "notice_hours": 24,
            "horizon_days": 60,
            "contact_types": ["in-person", "phone"],
        },
        {
            "key": "call",
            "name": "Quick call",
            "minutes": 20,
            "notice_hours": 0,
            "contact_types": ["phone"],
            "confirm_automatically": True,
        },
    ],
    "providers": [
        {
            "key": "ada",
            "name": "Ada Moreau",
            "title": "Psychologist",
            "locations": ["main"],
            "types": ["visit", "call"],
            "contact_types": ["in-person", "phone"],
            "hours": [
                {day: ["9:00-12:00", "13:00-17:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
            ],
        },
        {
            "key": "ben",
            "name": "Ben Ito",
            "locations": ["annex"],
            "types": ["visit"],
            "contact_types": ["in-person", "phone"],
            "hours": [{"tuesday": ["9:00-17:00"], "wednesday": ["9:00-17:00"]}],
        },
    ],
}


def practice(**settings: Any) -> dict[str, Any]:
    """The practice with some of its main settings changed, such as `requests_hold_time=False`."""
    data = deepcopy(PRACTICE)
    data["practice"] |= settings
    return data


def with_calendars(**addresses: str) -> dict[str, Any]:
    """The practice in which these providers have a `busy_calendar`, by key."""
    data = practice()
    for provider in data["providers"]:
        if provider["key"] in addresses:
            provider["busy_calendar"] = addresses[provider["key"]]
    return data
