"""Who has to wait: what is asked of the limits, and what is said of them."""

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from flask import g, request
from werkzeug.wrappers import Response

from ..domain.limits import Limit
from ..services.limits import Allowance, ask
from ..services.state import State
from ..wording import say_n
from .forms import ClientForm


class TooMany(Exception):
    """Somebody did something too often; in `wait` seconds they may again."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"for {wait} seconds")
        self.wait = wait


def sent_too_often(form: ClientForm) -> bool:
    """Count a form; whether who sends it has to wait. Then the form says for how long."""
    return must_wait(form, {Limit.CLIENT_FORMS: form.client_id, Limit.NETWORK_FORMS: network()})


def hold_too_often(form: ClientForm) -> bool:
    """The same for a time that is to be held."""
    return must_wait(form, {Limit.CLIENT_HOLDS: form.client_id, Limit.NETWORK_HOLDS: network()})


def must_wait(form: ClientForm, who: dict[Limit, str]) -> bool:
    """The same by other limits."""
    try:
        refuse_beyond(form.state, who)
    except TooMany as refused:
        form.errors["portal_wait"] = wait_a_little(form.state, refused)
        return True
    return False


def refuse_guess(state: State, limit: Limit) -> None:
    """Count what only somebody sends who guesses, or is mistaken. Raises TooMany."""
    refuse_beyond(state, {limit: network()})


def refuse_beyond(state: State, who: dict[Limit, str]) -> None:
    """Count, and raise TooMany for who has to wait; the answer's headers then say so, too."""
    allowance = ask(state, who)
    if allowance is not None and not allowance.granted:
        g.portal_allowance = allowance
        raise TooMany(allowance.resets)


def wait_a_little(state: State, refused: TooMany) -> str:
    """A sentence that says for how long, and whom to call instead."""
    practice = state.practice()
    return say_n(
        "Too much was sent from here lately, so this was not taken. Please try again in {number} minute, or call "
        "{practice} at {phone}.",
        "Too much was sent from here lately, so this was not taken. Please try again in {number} minutes, or call "
        "{practice} at {phone}.",
        -(-refused.wait // 60),
        practice=practice.name,
        phone=practice.phone,
    )


def network() -> str:
    """Whose address this request comes from. Whoever has one address of IPv6 has a network of them, a /64."""
    given = request.remote_addr or ""
    try:
        address = IPv6Address(given) if ":" in given else None
    except ValueError:
        return given
    if address is None:
        return given
    # A server that listens on both sees an address of IPv4 in one of IPv6, and all of those lie in one network.
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def tell_allowance(response: Response) -> Response:
    """Add what is known of this request's limits to its answer, but for one that was let through after all."""
    allowance: Allowance | None = g.pop("portal_allowance", None)
    if allowance is not None and (allowance.granted or response.status_code == 429):
        response.headers.update(_headers(allowance))
    return response


def _headers(allowance: Allowance) -> Iterator[tuple[str, str]]:
    """As draft-ietf-httpapi-ratelimit-headers has them, and Retry-After (RFC 9110) for who has to wait."""
    name = allowance.limit.key
    yield "RateLimit-Policy", f'"{name}";q={allowance.amount};w={allowance.window}'
    yield "RateLimit", f'"{name}";r={max(allowance.left, 0)};t={allowance.resets}'
    if not allowance.granted:
        yield "Retry-After", str(allowance.resets)
