"""Who may call, for what, and how often."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask_wtf import CSRFProtect

from portal_plugin import Portal
from portal_plugin.storage.api_keys import Scope
from tests.api.support import API, WANTED, System, make_key, problem
from tests.services.steps import rows
from tests.support import PEOPLE, Host


def run(host: Host, *arguments: str) -> Result:
    return host.app.test_cli_runner().invoke(args=["portal", "keys", *arguments])


def made(host: Host, *arguments: str) -> System:
    return System(host.app.test_client(), run(host, "create", *arguments).stdout.strip())


# What a key opens.


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer portal_0123456789ab_" + "A" * 43,
        "Basic bWF5YTptYXlh",
        "Bearer é",
        "x",
    ],
)
def test_without_a_good_key_nothing_opens(host: Host, system: System, authorization: str) -> None:
    answer = system.call("GET", "/appointments", headers={"Authorization": authorization})
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_with_one_letter_changed_opens_nothing(system: System) -> None:
    system.key = system.key[:-1] + ("A" if system.key[-1] != "A" else "B")
    problem(system.get("/appointments"), 401, "unauthorized")


def test_a_clients_cookie_opens_nothing(host: Host) -> None:
    problem(host.browser("maya").get(f"{API}/appointments"), 401, "unauthorized")


def test_a_cookie_beside_a_key_changes_nothing(host: Host, system: System) -> None:
    system.make()
    signed_in = System(host.browser("theo"), system.key)
    answer = signed_in.get("/appointments")
    assert answer.json == system.get("/appointments").json
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize(
    ("scope", "opened"),
    [(Scope.READ, {200}), (Scope.BOOK, {201}), (Scope.DECIDE, {404}), (Scope.INTAKE, {404})],
    ids=lambda value: str(value),
)
def test_a_scope_opens_its_own_operations_alone(host: Host, scope: Scope, opened: set[int]) -> None:
    system = System(host.app.test_client(), make_key(host, scope))
    answers = {
        Scope.READ: system.get("/appointments"),
        Scope.BOOK: system.post("/requests", WANTED),
        Scope.DECIDE: system.post(f"/appointments/{'0' * 32}/confirm"),
        Scope.INTAKE: system.get(f"/appointments/{'0' * 32}/intake"),
    }
    assert {answers.pop(scope).status_code} == opened
    for other, answer in answers.items():
        problem(answer, 403, "insufficient_scope")
        assert f'scope="{other}"' in answer.headers["WWW-Authenticate"]


def test_a_call_that_may_not_be_made_is_not_read(host: Host) -> None:
    system = System(host.app.test_client(), make_key(host, Scope.READ))
    problem(system.post("/bookings", {"nonsense": 1}), 403, "insufficient_scope")


# Made, listed and revoked on the command line.


def test_a_key_is_shown_once_and_only_its_hash_is_stored(host: Host) -> None:
    result = run(host, "create", "Front desk", "--scope", "read")
    assert result.exit_code == 0
    assert re.fullmatch(r"portal_[0-9a-f]{12}_[\w-]{43}\n", result.stdout)
    _, id, secret = result.stdout.strip().split("_", 2)
    assert f"flask portal keys revoke {id}" in result.stderr
    assert secret not in str(rows(host, "SELECT * FROM portal_api_key"))
    assert secret not in run(host, "list").output + run(host, "list", "--json").output


def test_the_list_has_names_scopes_and_last_use(host: Host) -> None:
    system = made(host, "Front desk", "--scope", "decide", "--scope", "read")
    assert "Front desk  never used" in run(host, "list").stdout
    system.get("/types")
    assert "decide read  Front desk  last used about 2026-12-07 12:00 UTC" in run(host, "list").stdout
    [told] = json.loads(run(host, "list", "--json").stdout)["items"]
    assert told == {
        "id": system.key.split("_")[1],
        "name": "Front desk",
        "scopes": ["decide", "read"],
        "created": "2026-12-07T12:00:00Z",
        "last_used": "2026-12-07T12:00:00Z",
        "revoked": None,
    }


def test_the_answer_to_a_new_key_is_its_entry_of_the_list(host: Host) -> None:
    result = run(host, "create", "Front desk", "--scope", "read", "--json")
    made = json.loads(result.stdout)
    assert made.pop("key").split("_")[1] == made["id"]
    assert json.loads(run(host, "list", "--json").stdout)["items"] == [made]


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(host: Host) -> None:
    system = made(host, "Front desk", "--scope", "read")
    id = system.key.split("_")[1]
    assert system.get("/types").status_code == 200
    assert run(host, "revoke", id).exit_code == 0
    problem(system.get("/types"), 401, "unauthorized")
    host.clock.advance(timedelta(days=1))
    assert run(host, "revoke", id).exit_code == 0
    assert "revoked 2026-12-07 12:00 UTC" in run(host, "list").stdout


def test_without_a_key_the_list_says_how_to_make_one(host: Host) -> None:
    result = run(host, "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "flask portal keys create" in result.stderr
    assert json.loads(run(host, "list", "--json").stdout) == {"items": []}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["create", "Desk"], 2, "--scope"),
        (["create", "Desk", "--scope", "all"], 2, "'all' is not one of 'read', 'decide', 'book'"),
        (["create", " ", "--scope", "read"], 2, "NAME"),
        (["create", "x" * 101, "--scope", "read"], 2, "1 to 100 characters"),
        (["revoke", "nobody"], 3, "There is no key nobody: see flask portal keys list."),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(host: Host, arguments: list[str], code: int, says: str) -> None:
    result = run(host, *arguments)
    assert result.exit_code == code
    assert says in result.stderr
    assert rows(host, "SELECT * FROM portal_api_key") == []


def test_the_last_use_is_written_once_an_hour(host: Host, system: System) -> None:
    def used() -> Any:
        return rows(host, "SELECT last_used FROM portal_api_key")[0][0]

    system.get("/types")
    first = used()
    host.clock.advance(timedelta(minutes=59))
    system.get("/types")
    assert used() == first
    host.clock.advance(timedelta(minutes=1))
    system.get("/types")
    assert used() == first + 3600


# How often.


@pytest.fixture
def hurried(either_host: Host, either_system: System) -> System:
    """With a key that may call three times a minute."""
    either_host.limit(api_calls="3/minute")
    return either_system


def test_each_answer_says_how_many_calls_are_left(either_host: Host, hurried: System) -> None:
    answers = [hurried.get("/types") for _ in range(3)]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"api_calls";q=3;w=60'}
    assert [answer.headers["RateLimit"] for answer in answers] == [f'"api_calls";r={left};t=60' for left in (2, 1, 0)]
    either_host.clock.advance(timedelta(seconds=20))
    answer = hurried.get("/types")
    assert "40 seconds" in problem(answer, 429, "too_many_requests")["detail"]
    assert (answer.headers["Retry-After"], answer.headers["RateLimit"]) == ("40", '"api_calls";r=0;t=40')
    either_host.clock.advance(timedelta(seconds=40))
    assert hurried.get("/types").headers["RateLimit"] == '"api_calls";r=2;t=60'


def test_a_refusal_counts_and_another_key_counts_for_itself(either_host: Host, hurried: System) -> None:
    for _ in range(3):
        assert "RateLimit" in hurried.post("/bookings", {}).headers
    problem(hurried.post("/bookings", WANTED), 429, "too_many_requests")
    assert rows(either_host, "SELECT * FROM portal_appointment") == []
    assert System(hurried.client, make_key(either_host)).get("/types").status_code == 200


def test_windows_that_are_over_leave_nothing_behind(either_host: Host, hurried: System) -> None:
    for _ in range(5):
        System(hurried.client, make_key(either_host)).get("/types")
    hurried.get("/types")
    either_host.clock.advance(timedelta(minutes=1))
    System(hurried.client, make_key(either_host)).get("/types")
    either_host.deliver()
    assert len(rows(either_host, "SELECT name FROM portal_rate")) == 1


def test_wrong_keys_end_and_right_ones_from_the_same_address_do_not(either_host: Host, either_system: System) -> None:
    either_host.limit(wrong_keys="2/hour")
    stranger = System(either_system.client, "portal_made_up")
    for _ in range(2):
        problem(stranger.get("/types"), 401, "unauthorized")
    refused = stranger.get("/types")
    assert "3600 seconds" in problem(refused, 429, "too_many_requests")["detail"]
    assert refused.headers["Retry-After"] == "3600"
    assert either_system.get("/types").status_code == 200
    assert either_system.client.get(f"{API}/types").status_code == 401
    elsewhere = either_system.client.get(
        f"{API}/types", headers={"Authorization": "Bearer x"}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    problem(elsewhere, 401, "unauthorized")
    either_host.clock.advance(timedelta(hours=1))
    problem(stranger.get("/types"), 401, "unauthorized")


def test_no_key_and_no_address_is_written_down(host: Host, system: System) -> None:
    system.get("/types")
    System(system.client, "portal_made_up").get("/types")
    names = str(rows(host, "SELECT name FROM portal_rate"))
    assert system.key.split("_")[1] not in names
    assert "127.0.0.1" not in names


# Beside the host's own protection.


@pytest.mark.parametrize("first", ["portal", "protection"])
def test_a_hosts_csrf_protection_lets_keys_through_and_guards_its_own_forms(
    host: Host, first: str, tmp_path: Any
) -> None:
    key = make_key(host)
    app = Flask("protected", instance_path=str(tmp_path))
    app.config.update({name: value for name, value in host.app.config.items() if name.isupper()})
    portal = Portal()
    portal.current_client(lambda: PEOPLE["maya"])
    parts = [portal, CSRFProtect()]
    for part in parts if first == "portal" else reversed(parts):
        part.init_app(app)
    app.add_url_rule("/form", view_func=lambda: "sent", methods=["POST"])

    assert System(app.test_client(), key).post("/bookings", WANTED).status_code == 201
    assert app.test_client().post("/form").status_code == 400
    assert app.test_client().post("/portal/appointments/book").status_code == 400
    app.extensions["portal"].db.close_all()
