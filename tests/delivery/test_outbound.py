"""Asking other machines: never inside our own network, never for ever, never without end."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal_plugin.delivery import outbound
from portal_plugin.delivery.outbound import Answer, NoAnswer, ask, is_public
from tests.delivery.calendar_host import CalendarHost, calendar_host, raw, says

PRIVATE = (
    "the address leads to this machine or into a private network, "
    "which is refused unless PORTAL_PRIVATE_ADDRESSES is True"
)
OK = b"HTTP/1.1 200 OK\r\n"
INSIDE = """
127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 169.254.1.1 169.254.169.254
100.100.100.200 192.0.0.192 168.63.129.16 198.18.0.1 192.0.2.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 2001:db8::1 ::127.0.0.1 ::ffff:127.0.0.1
::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2002:a9fe:a9fe::
2001:0:4136:e378:8000:63bf:3fff:fdd2
"""


def get(url: str, *, private: bool = True, seconds: float = 10, most: int = 1000) -> Answer:
    return ask("GET", url, headers={}, seconds=seconds, most=most, private=private)


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(NoAnswer) as caught:
        get(url, **options)
    return str(caught.value)


# Where to.


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_even_connected_to_however_it_is_written(calendars: CalendarHost, name: str) -> None:
    calendars.pages["/ada.ics"] = says("secret")
    assert refusal(calendars.address(name=name), private=False) == PRIVATE
    assert calendars.asked == []


def test_the_host_may_allow_it(calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says("inside")
    assert get(calendars.address()).body == b"inside"


def test_it_connects_to_the_address_it_checked_and_asks_for_no_second_one(
    calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name service calls the name public at first, and then this machine's."""
    calendars.pages["/ada.ics"] = says("one")
    answers = iter([["127.0.0.2", "127.0.0.1"], ["127.0.0.2"]])
    monkeypatch.setattr(outbound, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **_: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)
        ],
    )
    assert get(calendars.address(name="calendar.example"), private=False).body == b"one"
    assert refusal(calendars.address(name="calendar.example"), private=False) == PRIVATE
    assert [headers["Host"] for _, headers in calendars.asked] == [f"calendar.example:{calendars.port}"]


def test_the_next_address_of_a_name_is_tried_when_one_does_not_answer(
    calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendars.pages["/ada.ics"] = says("one")
    ports = iter([1, calendars.port])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports],
    )
    assert get(calendars.address(name="calendar.example")).body == b"one"


def test_a_proxy_in_the_environment_is_not_asked(calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch) -> None:
    calendars.pages["/ada.ics"] = says("direct")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(calendars.address()).body == b"direct"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ada.ics",
        "ftp://x/y",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "http://x:y",
        "http://u:p@x/",
        "http://x/#f",
    ],
)
def test_what_is_no_whole_address_is_not_asked(url: str) -> None:
    assert refusal(url) == "the address is not a whole http or https address"


def test_letters_outside_ascii_are_written_as_addresses_write_them(calendars: CalendarHost) -> None:
    calendars.pages["/%C3%84rztin?%C3%BC=%41"] = says("found")
    assert get(calendars.address("/Ärztin?ü=%41")).body == b"found"


@pytest.mark.parametrize("name", ["no-such-name.invalid", "x" * 300, "..", "a..b"])
def test_a_name_nobody_knows_is_a_sentence(name: str) -> None:
    assert refusal(f"http://{name}/") == "the server's name is not known"


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for "localhost", which signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[CalendarHost]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with calendar_host(context) as host:
        host.pages["/ada.ics"] = says("secure")
        yield host


def test_a_certificate_of_a_known_authority_is_checked_against_the_name(
    secure: CalendarHost, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert get(secure.address(name="localhost")).body == b"secure"
    assert refusal(secure.address(name="127.0.0.1")) == "the server's certificate is not valid for its name"
    assert len(secure.asked) == 1


def test_a_certificate_of_nobody_known_is_refused(secure: CalendarHost) -> None:
    assert refusal(secure.address(name="localhost")) == "the server's certificate is not valid for its name"
    assert secure.asked == []


def test_a_server_without_tls_is_refused_as_such(calendars: CalendarHost) -> None:
    assert refusal(calendars.address().replace("http:", "https:")) == "no secure connection could be made"


# How long, and how much.


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\n"],
        [OK + b"Content-Length: 500\r\n\r\n"],
        [b"H", *[b"T"] * 100],
        [OK, *[b"X-Slow: 1\r\n"] * 90],
        [*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 90],
        [OK + b"Content-Length: 500\r\n\r\n", *[b"x"] * 100],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 100],
    ],
    ids=["silent", "after the status", "after the headers", "status", "headers", "continue", "body", "chunks"],
)
def test_a_server_that_takes_its_time_is_left_in_time(calendars: CalendarHost, pieces: list[bytes]) -> None:
    calendars.pages["/ada.ics"] = raw(*pieces, pause=0.1, then=calendars.closing)
    began = time.monotonic()
    assert refusal(calendars.address(), seconds=0.7) == "there was no complete answer in time"
    assert time.monotonic() - began < 2
    calendars.closing.set()


def test_a_handshake_that_never_ends_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        assert refusal(url, seconds=0.5) == "there was no complete answer in time"
        assert time.monotonic() - began < 2


def test_nobody_is_left_behind(calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = raw(OK, *[b"X-Slow: 1\r\n"] * 90, pause=0.1)
    refusal(calendars.address(), seconds=0.3)
    for thread in threading.enumerate():
        if thread.name == "portal-outbound":
            thread.join(2)
            assert not thread.is_alive()


def test_a_name_service_that_hangs_is_left_in_time_and_nothing_is_sent_afterwards(
    calendars: CalendarHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, real = threading.Event(), socket.getaddrinfo

    def hang(*args: Any, **options: Any) -> Any:
        time.sleep(1)
        answered.set()
        return real(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    assert refusal(calendars.address(), seconds=0.3) == "there was no complete answer in time"
    assert time.monotonic() - began < 0.9
    assert answered.wait(5)
    time.sleep(0.2)
    assert calendars.asked == []


def test_an_answer_may_be_as_large_as_allowed_and_no_larger(calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = says(b"x" * 1000)
    assert len(get(calendars.address()).body) == 1000
    calendars.pages["/ada.ics"] = says(b"x" * 1001)
    assert refusal(calendars.address()) == "the answer is larger than 0.001 MB"


def test_an_answer_without_end_is_cut_off(calendars: CalendarHost) -> None:
    calendars.pages["/ada.ics"] = raw(OK + b"\r\n", *[b"x" * 65_536] * 2000)
    began = time.monotonic()
    assert refusal(calendars.address(), most=4_000_000) == "the answer is larger than 4 MB"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "the server could not be reached, or broke off"),
        (OK + b"Content-Length: 500\r\n\r\nBEGIN:VCALENDAR", "the server could not be reached, or broke off"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nBEGIN\r\n", "the server could not be reached, or broke off"),
        (b"220 mail.example ESMTP\r\n", "the answer is not HTTP"),
        (OK + b"X: 1\r\n" * 200 + b"\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 " + b"9" * 70_000, "the answer is not HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nPLANTED\r\n", "the server could not be reached, or broke off"),
    ],
)
def test_what_is_no_answer_is_a_sentence(calendars: CalendarHost, said: bytes, sentence: str) -> None:
    calendars.pages["/ada.ics"] = raw(said)
    assert refusal(calendars.address()) == sentence


def test_a_closed_port_is_a_sentence() -> None:
    assert refusal("http://127.0.0.1:1/PLANTED") == "the server could not be reached, or broke off"
