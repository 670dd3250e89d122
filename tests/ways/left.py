"""All that a deed leaves behind, told without what chance or a way's own name put into it."""

import json
import re
from typing import Any

from portal_plugin import Appointment
from portal_plugin.domain.lifecycle import ActorKind
from portal_plugin.web.api import schemas
from tests.services.steps import TABLES
from tests.support import Host
from tests.ways.ways import Way

Left = dict[str, list[Any]]


def left_behind(host: Host, way: Way, told: list[tuple[str, Appointment]]) -> Left:
    """Every row of appointments, claims, history and outbox, and the signals. References and numbers are replaced by
    names in the order in which they came to be, and whom the history is to name by "whoever acts".
    """
    tables = {table: _rows(host, table) for table in TABLES}
    numbers = {
        table: {row.pop("id"): f"{table} {n}" for n, row in enumerate(tables[table])}
        for table in ("appointment", "claim")
    }
    refs = {row["ref"]: f"appointment {n}" for n, row in enumerate(tables["appointment"])}
    for row in tables["appointment"]:
        row["claim"] = numbers["claim"].get(row["claim"])
        # The review page's form carries a key, so that one sent twice is one; who gives the others a key has one, too.
        row.pop("request_key")
    for row in tables["history"]:
        row["appointment"] = numbers["appointment"].get(row["appointment"])
        _take_chance_from_history(row, way)
    message_ids = [row.pop("message_id") for row in tables["outbox"]]
    assert len(set(message_ids)) == len(message_ids)
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in message_ids)
    for row in tables["outbox"]:
        del row["id"]
        row["appointment"] = numbers["appointment"][row["appointment"]]
        row["facts"] = json.loads(row["facts"])
    signals = [(name, schemas.Appointment.of(one).model_dump(mode="json")) for name, one in told]
    text = json.dumps(tables | {"signals": signals})
    for ref, name in refs.items():
        text = text.replace(ref, name)
    left: Left = json.loads(text)
    return left


def _take_chance_from_history(row: dict[str, Any], way: Way) -> None:
    for name in ("id", "salt", "digest"):
        del row[name]
    request_id = row.pop("request_id")
    if row["actor"] == way.actor:
        assert (row["actor_kind"], request_id is not None) == (ActorKind.STAFF, way.by_request)
        row["actor"] = "whoever acts"
    else:
        assert row["actor_kind"] == ActorKind.HOST, "what was there before"


def _rows(host: Host, table: str) -> list[dict[str, Any]]:
    with host.app.app_context():
        cursor = host.state.db.execute_sql(f"SELECT * FROM portal_{table} ORDER BY id")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
