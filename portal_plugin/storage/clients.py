"""A client as the tables hold one: beside what they asked for, since the host keeps who they are."""

from collections.abc import Mapping
from typing import Any

from ..domain.appointment import Client
from ..domain.instants import zone_names


def as_columns(client: Client) -> dict[str, str]:
    """What a row says of a client, by column."""
    return {
        "client_id": client.id,
        "client_name": client.name,
        "client_email": client.email,
        "client_phone": client.phone,
        "client_language": client.language,
        "client_zone": client.zone,
    }


def from_row(row: Mapping[str, Any], *, new: bool = False) -> Client:
    """The client of a row; `new` is for who is not one yet."""
    # A tz database may have lost a name since it was written.
    zone = row["client_zone"] if row["client_zone"] in zone_names() else ""
    return Client(
        row["client_id"],
        row["client_name"],
        row["client_email"],
        row["client_phone"],
        new,
        row["client_language"],
        zone,
    )
