"""Asking other machines over HTTP: bounded in time and size, and kept out of the network the portal lives in."""

import http.client
import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from string import punctuation
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..domain.addresses import is_web_address

_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where Oracle's and Azure's machines are told their secrets, in ranges that are public otherwise.
_METADATA = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))


class NoAnswer(Exception):
    """Why nothing came back, in words that repeat neither the address nor what the other side said."""


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    seconds: float,
    most: int | None,
    private: bool,
) -> Answer:
    """One exchange; a redirect is an answer like any other. Raises NoAnswer.

    It takes `seconds` at the most, whatever hangs, and reads up to `most` bytes; with None the head alone, and the body
    is empty. Addresses that are not public are
    refused unless `private`.
    """
    if not is_web_address(url):
        raise NoAnswer("the address is not a whole http or https address")
    connection = _Connection(url, seconds, private)
    outcome: queue.SimpleQueue[Answer | NoAnswer] = queue.SimpleQueue()

    def exchange() -> None:
        try:
            outcome.put(connection.exchange(method, body, headers, most))
        except Exception as error:
            outcome.put(NoAnswer(_reason(error)))
        finally:
            connection.close()

    # A name service cannot be interrupted, and a server may send one byte a second: this thread waits no longer.
    threading.Thread(target=exchange, name="portal-outbound", daemon=True).start()
    try:
        answer = outcome.get(timeout=seconds)
    except queue.Empty:
        connection.hang_up()
        raise NoAnswer(_SLOW) from None
    if isinstance(answer, NoAnswer):
        raise answer
    return answer


def retry_after(answer: Answer, now: datetime, most: timedelta) -> timedelta | None:
    """What the header says in seconds or as a date (RFC 9110, 10.2.3), within bounds; None where it says nothing."""
    value = answer.headers.get("Retry-After", "").strip()
    try:
        if value.isascii() and value.isdecimal():
            return timedelta(seconds=min(int(value), most.total_seconds()))
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta()), most)


class _Connection(http.client.HTTPConnection):
    """Connects to the very address it checked, so that a second answer of the name service changes nothing.

    A certificate is checked against the name. http.client knows no proxies from the environment.
    """

    def __init__(self, url: str, seconds: float, private: bool) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._private = private
        self._wire: socket.socket | None = None
        self._given_up = False
        query = f"?{parts.query}" if parts.query else ""
        self._target = quote(f"{parts.path or '/'}{query}", safe=punctuation)
        self.default_port = 443 if self._secure else 80
        super().__init__(str(parts.hostname), parts.port or self.default_port, timeout=seconds)

    def connect(self) -> None:
        wire = self._reach()
        if self._secure:
            context = ssl.create_default_context()
            self._wire = wire = context.wrap_socket(wire, server_hostname=self.host, do_handshake_on_connect=False)
            wire.do_handshake()
        if self._given_up:
            raise TimeoutError
        self.sock = wire

    def _reach(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        allowed = [entry for entry in found if self._private or is_public(str(entry[4][0]))]
        if not allowed:
            raise NoAnswer(
                "the address leads to this machine or into a private network, "
                "which is refused unless PORTAL_PRIVATE_ADDRESSES is True"
            )
        failure = OSError()
        for family, kind, protocol, _, address in allowed:
            self._wire = wire = socket.socket(family, kind, protocol)
            try:
                wire.settimeout(self.timeout)
                wire.connect(address)
                return wire
            except OSError as error:
                wire.close()
                failure = error
        raise failure

    def exchange(self, method: str, body: bytes | None, headers: Mapping[str, str], most: int | None) -> Answer:
        self.request(method, self._target, body, headers)
        with self.getresponse() as response:
            if most is None:
                return Answer(response.status, response.headers, b"")
            content = response.read(most + 1)
            if len(content) > most:
                raise NoAnswer(f"the answer is larger than {most / 1_000_000:g} MB")
            if response.length:
                raise http.client.IncompleteRead(content)
            return Answer(response.status, response.headers, content)

    def close(self) -> None:
        super().close()
        # Not yet the connection's own while hands were shaken.
        if self._wire:
            self._wire.close()

    def hang_up(self) -> None:
        """End the exchange from outside; its thread finds the connection gone."""
        self._given_up = True
        if self._wire:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open Internet: to no private network, and no cloud's metadata."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is None:
            return ip in _UNICAST and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _METADATA)


_SLOW = "there was no complete answer in time"


def _reason(error: Exception) -> str:
    match error:
        case NoAnswer():
            return str(error)
        case socket.gaierror() | UnicodeError():
            return "the server's name is not known"
        case ssl.SSLCertVerificationError():
            return "the server's certificate is not valid for its name"
        case ssl.SSLError():
            return "no secure connection could be made"
        case TimeoutError():
            return _SLOW
        case OSError() | http.client.IncompleteRead():
            return "the server could not be reached, or broke off"
        case _:
            return "the answer is not HTTP"
