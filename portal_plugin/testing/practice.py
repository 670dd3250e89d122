"""A ready-made practice, as a dict in the practice file's shape."""

from copy import deepcopy
from typing import Any

_PRACTICE: dict[str, Any] = {
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
    """A copy of it, with some of its main settings changed, such as `requests_hold_time=False`.

    Ada Moreau is at Main Street on weekdays from 9 to 5, Ben Ito at the Annex on Tuesdays and Wednesdays, in New York.
    `visit` waits for the practice's answer, `call` confirms itself.
    """
    data = deepcopy(_PRACTICE)
    data["practice"] |= settings
    return data
