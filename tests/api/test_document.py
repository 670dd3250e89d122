"""The OpenAPI document and docs/api.md say what the API does, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal_plugin import Portal
from portal_plugin.storage.api_keys import Scope
from portal_plugin.web.api.problems import CODES
from portal_plugin.web.api.routes import OPERATIONS
from portal_plugin.web.api.schemas import Appointment
from tests.api.support import API
from tests.support import Host

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.fixture
def document(host: Host) -> dict[str, Any]:
    answer = host.app.test_client().get(f"{API}/openapi.json")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json
    return told


def test_it_is_open_to_everybody_and_names_the_sites_own_address(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"https://www.elmrow.example{API}"}]


def test_it_follows_the_prefix_of_the_portal(host: Host, tmp_path: Path) -> None:
    app = Flask("other", instance_path=str(tmp_path))
    app.config.update({name: value for name, value in host.app.config.items() if name.isupper()})
    Portal(app, url_prefix="/termine")
    told = app.test_client().get("/termine/api/v1/openapi.json").json
    assert told["servers"] == [{"url": "https://www.elmrow.example/termine/api/v1"}]
    assert app.test_client().get("/termine/api/nothing").mimetype == "application/problem+json"
    assert app.test_client().get("/portal/api/nothing").mimetype == "text/html"
    app.extensions["portal"].db.close_all()


def test_it_has_every_route_and_no_other(host: Host, document: dict[str, Any]) -> None:
    routes = {
        (method, str(rule).removeprefix(API).replace("<ref>", "{ref}"))
        for rule in host.app.url_map.iter_rules()
        if rule.endpoint.startswith("portal_api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told | {("GET", "/openapi.json")} == routes


def test_every_reference_in_it_leads_somewhere(document: dict[str, Any]) -> None:
    components = document["components"]
    for kind, name in re.findall(r"'#/components/(\w+)/([\w-]+)'", str(document)):
        assert name in components[kind]


def test_every_operation_can_be_called_by_a_name_of_its_own(document: dict[str, Any]) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for operation in operations)


def test_the_page_has_a_line_for_each_operation_with_its_scope() -> None:
    for operation in OPERATIONS:
        line = rf"\| `{operation.method} {re.escape(operation.path)}[^`]*` \| {operation.scope} \| [^|]+ \|"
        assert re.search(line, PAGE), f"{operation.method} {operation.path}"
    written = re.findall(r"^\| `((?:GET|POST) [^`?]*)[^`]*` \|", PAGE, re.MULTILINE)
    assert sorted(written) == sorted([*(f"{one.method} {one.path}" for one in OPERATIONS), "GET /openapi.json"])


def test_the_page_has_every_parameter_every_field_every_scope_and_every_code() -> None:
    for operation in OPERATIONS:
        for name in operation.takes.model_fields:
            assert f"`{name}`" in PAGE, f"{operation.path}: {name}"
    for name in Appointment.model_fields:
        assert f"`{name}`" in PAGE, name
    for scope in Scope:
        assert f"`{scope}`" in PAGE
    for _, code in CODES.values():
        assert f"`{code}`" in PAGE
