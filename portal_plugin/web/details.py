"""Step 1: what for, how, with whom, where."""

from typing import NamedTuple

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.appointment import Client
from ..domain.errors import NotOffered
from ..domain.practice import AppointmentType, Keyed, Practice
from ..domain.text import LONGEST, clean_line
from ..services.guests import VISITOR
from ..wording import say, tell
from ..wording.dates import minutes
from .forms import read_zone, said_once
from .guard import booking_client, current_practice, sign_in_address
from .htmx import render_panel

CHOICES = ("type", "contact", "provider", "location")
TWICE = "?"
"""Stands for a choice sent twice; no key is written so."""


class Option(NamedTuple):
    """What can be chosen in step 1."""

    key: str
    name: str
    hint: str = ""


def details() -> ResponseReturnValue:
    return show_details(current_practice(), booking_client(), chosen_in(request.args))


def chosen_in(values: MultiDict[str, str]) -> dict[str, str]:
    """Step 1's choices, and the time zone that step 2 tells its times in. A choice made twice is none."""
    chosen = {name: TWICE if len(values.getlist(name)) > 1 else values.get(name, "") for name in CHOICES}
    return chosen | {"zone": read_zone(values.get("zone", ""))}


def show_details(
    practice: Practice, client: Client, chosen: dict[str, str], error: NotOffered | None = None
) -> ResponseReturnValue:
    types = [kind for kind in practice.bookable_types() if kind.open_to(new=client.new)]
    kind = _picked(types, chosen["type"])
    contacts = practice.contacts_for(kind) if kind else []
    contact = _picked(contacts, chosen["contact"])
    places = practice.locations_for(kind, contact) if kind and contact else []
    place = _picked(places, chosen["location"])
    providers = practice.providers_for(kind, contact, place) if kind and contact else []
    provider = _picked(providers, chosen["provider"])
    anybody = [Option("", say("Any available"), say("The most times to choose from"))] if len(providers) > 1 else []
    return render_panel(
        "details",
        say("Book an appointment"),
        422 if error else 200,
        practice=practice,
        types=[Option(each.key, each.name, _about(each)) for each in types],
        type=_key(kind),
        contacts=[Option(each.key, each.name) for each in contacts],
        contact=_key(contact),
        locations=[Option(each.key, each.name, each.address) for each in places],
        location=_key(place),
        providers=anybody + [Option(each.key, each.name, each.title) for each in providers],
        provider=_key(provider),
        zone=chosen["zone"],
        errors={error.field: tell(error)} if error else {},
        sign_in=sign_in_address() if client == VISITOR else None,
        note=_written_in_step_2(),
    )


def _written_in_step_2() -> str:
    """When what was chosen has gone meanwhile. This form goes through the address, so it is shown, and never sent."""
    return "\n".join(map(clean_line, said_once(request.form).get("note", "").splitlines()))[:LONGEST]


def _picked(options: list[Keyed], key: str) -> Keyed | None:
    """The chosen one, or the only one there is."""
    return next((option for option in options if option.key == key), options[0] if len(options) == 1 else None)


def _key(option: Keyed | None) -> str:
    return option.key if option else ""


def _about(kind: AppointmentType) -> str:
    about = minutes(kind.duration)
    if kind.capacity > 1:
        about = say("{length}, a group of up to {number}", length=about, number=kind.capacity)
    return say("{about}. {description}", about=about, description=kind.description) if kind.description else about
