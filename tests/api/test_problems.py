"""Whatever is sent, the answer is a problem that says what is wrong: never HTML, never a 500, never a row."""

import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException

from tests.api.support import API, MAYA, PROBLEM, WANTED, System, make_key, problem
from tests.services.steps import rows
from tests.support import Host, make_host

JSON = {"Content-Type": "application/json"}


def nothing_was_stored(host: Host) -> bool:
    return not any(rows(host, f"SELECT * FROM portal_{table}") for table in ("appointment", "outbox", "api_answer"))


# Addresses and methods.


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/nothing", "/v1/appointments/", "/v2/types"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_is_none_is_a_problem(host: Host, path: str, method: str) -> None:
    problem(host.app.test_client().open(f"/portal/api{path}", method=method), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/appointments", "GET"),
        ("POST", "/openapi.json", "GET"),
        ("GET", "/bookings", "POST"),
        ("PUT", f"/appointments/{'0' * 32}/confirm", "POST"),
        ("BREW", "/types", "GET"),
    ],
)
def test_another_method_is_a_problem_that_names_the_right_one(
    system: System, method: str, path: str, allowed: str
) -> None:
    answer = system.call(method, path)
    problem(answer, 405, "method_not_allowed")
    assert allowed in answer.headers["Allow"]


def test_the_hosts_own_pages_keep_their_answers(host: Host) -> None:
    for path, status in (("/portal/apiary", 404), ("/nothing", 404), ("/portal/appointments/nothing", 404)):
        answer = host.browser().get(path)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert host.browser().delete("/portal/appointments/upcoming").mimetype == "text/html"


@pytest.mark.parametrize("caught", [404, 405, 413, 500, HTTPException, Exception])
def test_a_hosts_error_pages_do_not_answer_for_the_api(host: Host, system: System, caught: Any) -> None:
    host.app.register_error_handler(caught, lambda _: ("<p>Sorry</p>", 200))
    problem(system.get("/nothing"), 404, "not_found")
    problem(system.call("DELETE", "/types"), 405, "method_not_allowed")
    problem(system.get(f"/appointments/{'0' * 32}"), 404, "not_found")
    problem(system.call("POST", "/bookings", data=b" " * 70_000, headers=JSON), 413, "request_entity_too_large")


# Bodies.


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"type": "\xff"}',
        b'{"type": "\\ud800"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"{}{}",
        b"\0",
        b'{"type": "a\nb"}',
    ],
    ids=range(11),
)
def test_what_is_not_json_is_malformed(host: Host, system: System, body: bytes) -> None:
    problem(system.call("POST", "/bookings", data=body, headers=JSON), 400, "malformed_json")
    assert nothing_was_stored(host)


@pytest.mark.parametrize("body", ["[]", "null", "1", '"a"', "true", "[{}]", "NaN", "1e999"])
def test_a_body_that_is_no_object_is_refused(host: Host, system: System, body: str) -> None:
    answer = system.call("POST", "/bookings", data=body, headers=JSON)
    problem(answer, answer.status_code, answer.json["code"])
    assert answer.status_code in {400, 422}
    assert nothing_was_stored(host)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "é"])
def test_another_media_type_is_refused(host: Host, system: System, kind: str) -> None:
    answer = system.call("POST", "/bookings", data=json.dumps(WANTED), headers={"Content-Type": kind})
    problem(answer, 415, "unsupported_media_type")
    assert nothing_was_stored(host)


def test_a_large_body_is_refused(host: Host, system: System) -> None:
    told = system.post("/bookings", WANTED | {"message": "x" * 70_000})
    assert "64 kB" in problem(told, 413, "request_entity_too_large")["detail"]


def test_a_decision_needs_no_body(system: System) -> None:
    ref = system.make()
    assert system.call("POST", f"/appointments/{ref}/confirm").status_code == 200


def test_everything_that_is_wrong_is_said_at_once_and_nothing_repeated(host: Host, system: System) -> None:
    body = WANTED | {"client": {"id": "", "email": "marker@a, marker@b"}, "starts": "marker", "typo": "marker"}
    answer = system.post("/bookings", body)
    told = problem(answer, 422, "invalid")
    assert {fault["pointer"] for fault in told["errors"]} == {
        "#/client/id",
        "#/client/name",
        "#/client/email",
        "#/starts",
        "#/typo",
    }
    assert "marker" not in answer.text
    assert nothing_was_stored(host)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        *(
            ({name: value}, f"#/{name}")
            for name in ("type", "contact")
            for value in (None, 1, [], {}, "", "x" * 61, "\0")
        ),
        *(
            ({"starts": value}, "#/starts")
            for value in (
                None,
                1765206000,
                "1765206000",
                "2026-12-08",
                "2026-12-08T15:00:00",
                "2026-12-08T24:00:00Z",
                "2026-12-08T15:00:60Z",
                "0000-12-08T15:00:00Z",
                "9999-12-31T23:59:59-23:59",
                "2026-02-30T15:00:00Z",
                "٢٠٢٦-12-08T15:00:00Z",
                "2026-12-08T15:00:00+99:00",
            )
        ),
        ({"client": None}, "#/client"),
        ({"client": "maya"}, "#/client"),
        *(({"client": MAYA | {"id": value}}, "#/client/id") for value in (7, None, "", " ", "\u200b", "\0", "x" * 201)),
        *(({"client": MAYA | {"name": value}}, "#/client/name") for value in (None, "", "\u202e", "x" * 201)),
        *(({"client": MAYA | {"email": value}}, "#/client/email") for value in ("no address", "a@b,c@d", "a@b\r\nc")),
        ({"client": MAYA | {"new": "yes"}}, "#/client/new"),
        ({"client": MAYA | {"language": "Spanish"}}, "#/client/language"),
        ({"client": MAYA | {"zone": "localtime"}}, "#/client/zone"),
        ({"client": MAYA | {"status": "vip"}}, "#/client/status"),
        ({"status": "confirmed"}, "#/status"),
        ({"message": "x" * 2001}, "#/message"),
        ({"by": "x" * 101}, "#/by"),
        ({"reference": "a\0b"}, "#/reference"),
        ({"reference": "x" * 201}, "#/reference"),
        ({"replaces": "1"}, "#/replaces"),
        ({"data": []}, "#/data"),
        ({"data": {"a": "x" * 4000}}, "#/data"),
    ],
)
def test_a_field_that_cannot_be_is_named(
    either_host: Host, either_system: System, changed: dict[str, Any], pointer: str
) -> None:
    [fault] = problem(either_system.post("/bookings", WANTED | changed), 422, "invalid")["errors"]
    assert fault["pointer"] == pointer
    assert nothing_was_stored(either_host)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000], ids=range(4))
def test_a_number_that_json_does_not_have_is_refused(host: Host, system: System, number: str) -> None:
    body = json.dumps(WANTED | {"data": {"a": "?"}}).replace('"?"', number)
    answer = system.call("POST", "/bookings", data=body, headers=JSON)
    problem(answer, answer.status_code, answer.json["code"])
    assert nothing_was_stored(host)


@pytest.mark.parametrize(
    "text", ["Zoë O’Brien", "محمد", "משה", "😀", "{{ 7*7 }}", "%s", "<b>", "'; DROP TABLE portal_claim"]
)
def test_odd_texts_are_kept_as_they_are(either_system: System, text: str) -> None:
    client = MAYA | {"name": text}
    ref = either_system.make("requests", client=client, note=text, reference=text, data={text: text}, by=text)
    told = either_system.get(f"/appointments/{ref}").json
    assert (told["client"]["name"], told["note"], told["reference"], told["data"]) == (text, text, text, {text: text})


def test_controls_are_taken_out_of_words(either_system: System) -> None:
    ref = either_system.make("requests", note="a\0b\u202ec\r\nd", client=MAYA | {"name": "Ma\0ya\r\nL"})
    told = either_system.get(f"/appointments/{ref}").json
    assert (told["note"], told["client"]["name"]) == ("abc\nd", "Maya L")


# When it is not the caller's fault.


def test_a_site_without_a_practice_says_try_again(sqlite_url: str, tmp_path: Any, clock: Any) -> None:
    host = make_host(sqlite_url, tmp_path, clock)
    answer = System(host.app.test_client(), "").get("/types")
    assert "flask portal" not in problem(answer, 503, "unavailable")["detail"]
    assert answer.headers["Retry-After"] == "5"
    host.state.db.close_all()


def test_a_fault_of_ours_is_a_problem_and_in_the_log(
    host: Host, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> datetime:
        raise RuntimeError("no clock today")

    host.state.settings = replace(host.state.settings, clock=broken)
    host.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    with caplog.at_level(logging.ERROR):
        answer = system.get("/slots", type="visit", contact="phone")
    assert "clock" not in problem(answer, 500, "internal_server_error")["detail"]
    assert "no clock today" in caplog.text


def test_every_answer_forbids_caches_and_guessing(host: Host, system: System) -> None:
    stranger = host.app.test_client()
    answers = [system.get("/types"), system.get("/nothing"), system.post("/bookings", {}), stranger.get(f"{API}/types")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [answer.mimetype for answer in answers] == ["application/json", *[PROBLEM] * 3]


def test_nothing_that_was_sent_turns_up_in_a_log(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    system = System(host.app.test_client(), key := make_key(host))
    client = {"id": "marker-id", "name": "marker-name", "email": "marker@example.org"}
    with caplog.at_level(logging.INFO):
        system.make(client=client, note="marker-note")
        system.post("/bookings", WANTED | {"client": client, "starts": "marker"})
        system.post("/bookings", WANTED | {"client": client})
    assert "marker" not in caplog.text
    assert key not in caplog.text
