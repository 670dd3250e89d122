"""A host in which everything that could leak has a marker in it."""

import base64
from pathlib import Path
from typing import Any

from portal_plugin import Client, Staff
from portal_plugin.testing import Clock
from portal_plugin.testing.texts import Texts
from tests.secrecy.markers import HEALTH, PERSON, SECRETS
from tests.support import Host, make_host
from tests.web.visiting import open_practice

CLIENT = Client(PERSON["client's id"], PERSON["client's name"], PERSON["client's mail"], PERSON["client's phone"])
STRANGER = Client("another", PERSON["stranger's name"], "stranger@example.org")
STAFF = Staff("rosa", HEALTH["staff"])
DESK, DIGEST = "front@elmrow.example", "daily@elmrow.example"
GUEST = {
    "name": PERSON["guest's name"],
    "email": PERSON["guest's mail"],
    "phone": PERSON["guest's phone"],
    "note": PERSON["note"],
    "q-brings": PERSON["answer"],
    "q-heard": "A friend",
    "q-before": "no",
    "q-born": "1990-05-17",
}
TWILIO = {"account_sid": "AC" + "0" * 32, "auth_token": SECRETS["gateway's token"], "from": "+12125550100"}


def planted_practice(calendar: str = "", **more: Any) -> dict[str, Any]:
    data = open_practice(waitlist_hours=24, policies="Please come five minutes early.", **more)
    visit = {"name": HEALTH["type"], "description": HEALTH["type's words"], "instructions": HEALTH["type's words"]}
    data["appointment_types"][0] |= visit
    video = {
        "name": HEALTH["contact type"],
        "join_url": f"https://video.example/{HEALTH['place in a call']}/{{provider}}",
    }
    data["contact_types"][1] |= video
    data["providers"][0] |= {"title": HEALTH["specialty"]} | ({"busy_calendar": calendar} if calendar else {})
    return data


def with_password(database_url: str) -> str:
    """The same database; PostgreSQL is told a password, which it may not need."""
    scheme, _, rest = database_url.partition("://")
    if scheme == "sqlite":
        return database_url
    user, _, server = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0] or 'postgres'}:{SECRETS['database password']}@{server}"


def planted_host(database_url: str, folder: Path, clock: Clock, hooks: str, **settings: Any) -> Host:
    """Its people are to be those above. `hooks` is where its endpoints are."""
    secret = "whsec_" + base64.b64encode(b"a secret of the endpoint, 32 b.").decode()
    host = make_host(
        with_password(database_url),
        folder,
        clock,
        **{
            "SECRET_KEY": SECRETS["SECRET_KEY"],
            "SECRET_KEY_FALLBACKS": [SECRETS["earlier SECRET_KEY"]],
            "MAIL_PASSWORD": SECRETS["SMTP password"],
            "MAIL_USERNAME": "portal",
            "PORTAL_METRICS_TOKEN": SECRETS["metrics token"],
            "PORTAL_PRIVATE_ADDRESSES": True,
            "PORTAL_SMS": Texts(),
            "PORTAL_TWILIO": TWILIO,
            "PORTAL_STAFF_MAIL": [{"to": DESK}, {"to": DIGEST, "send": "daily at 18:00"}],
            "PORTAL_WEBHOOKS": [
                {"url": f"{hooks}/thin", "secret": secret},
                {"url": f"{hooks}/full", "secret": secret, "body": "full"},
            ],
        }
        | settings,
    )
    host.apply(planted_practice())
    return host
