"""Practices for tests, as dicts in the practice file's shape. Change the usual one with `practice(...)`."""

from typing import Any

from portal_plugin.testing import practice

__all__ = ["PRACTICE", "practice", "with_calendars"]

PRACTICE = practice()


def with_calendars(**addresses: str) -> dict[str, Any]:
    """The practice in which these providers have a `busy_calendar`, by key."""
    data = practice()
    for provider in data["providers"]:
        if provider["key"] in addresses:
            provider["busy_calendar"] = addresses[provider["key"]]
    return data
