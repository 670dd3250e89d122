"""What an appointment type asks of a client and of a provider's day, beyond a free time."""

from datetime import date, datetime, timedelta

from ..domain.appointment import Appointment, Client
from ..domain.errors import NotOffered, SlotTaken
from ..domain.instants import day_bounds, local_date, seconds
from ..domain.practice import Provider, Wish
from ..domain.said import said, said_n
from ..storage import appointments, claims
from ..storage.claims import Session
from ..storage.database import Database


def check_client(db: Database, wish: Wish, client: Client, moving: Appointment | None = None) -> None:
    """Raises NotOffered when the type is not for this client, or they have as many requests open as it allows.

    `moving` is the client's own appointment that is to be replaced: it binds nobody.
    """
    kind = wish.type
    if not moving and not kind.open_to(new=client.new):
        raise NotOffered(
            "type",
            said("{type} cannot be requested here. Choose another type, or call the practice.", type=kind.name),
        )
    if kind.open_requests is not None:
        waiting = appointments.count_requested(db, client.id, kind.key, moving.ref if moving else None)
        if waiting >= kind.open_requests:
            raise NotOffered(
                "type",
                said_n(
                    "You have {number} open request for {type}. Please wait for the answer, or cancel one.",
                    "You have {number} open requests for {type}. Please wait for the answer, or cancel one.",
                    waiting,
                    type=kind.name,
                ),
            )


def days_too_close(
    db: Database, wish: Wish, client: Client, now: datetime, moving: Appointment | None = None
) -> frozenset[date]:
    """The local days on which the type's `days_between` keeps this client from coming again."""
    apart = wish.type.days_between
    if not apart:
        return frozenset()
    since = now - timedelta(days=apart + 1)
    near = appointments.starts_of_type(db, client.id, wish.type.key, since, moving.ref if moving else None)
    return frozenset(
        local_date(start, wish.zone) + timedelta(days=n) for start in near for n in range(1 - apart, apart)
    )


def too_close(wish: Wish) -> NotOffered:
    return NotOffered(
        "starts",
        said_n(
            "There is at least {number} day from one {type} to the next. Choose a day further from your other one.",
            "There are at least {number} days from one {type} to the next. Choose a day further from your other one.",
            wish.type.days_between,
            type=wish.type.name,
        ),
    )


def check_again(
    db: Database,
    wish: Wish,
    client: Client,
    provider: Provider,
    starts: datetime,
    now: datetime,
    moving: Appointment | None,
) -> None:
    """The same once more inside the transaction, where nobody else can come between.

    Raises NotOffered, and SlotTaken when the provider's day has no session left.
    """
    kind, day = wish.type, local_date(seconds(starts), wish.zone)
    if kind.open_requests is not None or kind.days_between:
        appointments.one_at_a_time(db, client.id)
        check_client(db, wish, client, moving)
        if day in days_too_close(db, wish, client, now, moving):
            raise too_close(wish)
    if kind.daily_cap is not None:
        claims.one_at_a_time(db, provider.number)
        begun = claims.sessions(db, [provider.number], kind.key, *day_bounds(day, wish.zone))
        others = [session for session in begun if not is_own(session, moving)]
        joins = any(session.begins == seconds(starts) for session in others)
        if len(others) >= kind.daily_cap and not joins:
            raise SlotTaken


def is_time_of(moving: Appointment, wish: Wish, starts: datetime) -> bool:
    """Whether a start is the one that an appointment has, in the same place and way."""
    return starts == moving.starts and wish.location == moving.location and wish.contact == moving.contact


def is_own(session: Session, moving: Appointment | None) -> bool:
    """Whether a session is the appointment's that is to be replaced, and nobody else's."""
    return (
        moving is not None
        and session.provider == moving.provider.number
        and session.begins == seconds(moving.starts)
        and session.seats_taken == 1
    )
