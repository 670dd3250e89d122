"""class Portal: what a host registers, and the decisions it calls."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, request_finished

from .cli import portal_commands
from .config import read_settings
from .delivery import worker
from .delivery.preview import Preview, previews
from .domain.appointment import Appointment, Client
from .domain.availability import Slot
from .domain.consent import Way
from .domain.errors import NotFound, NotOffered, SetupError
from .domain.explanation import Explanation
from .domain.guests import IntakeAnswer
from .domain.history import HistoryEntry
from .domain.instants import day_bounds, instant
from .domain.lifecycle import Action, Actor, ActorKind, Status
from .domain.practice import Practice
from .domain.said import said
from .domain.series import Week
from .domain.text import clean_text
from .domain.waitlist import Waiting
from .hooks import (
    BusyTimes,
    CurrentClient,
    CurrentLanguage,
    CurrentStaff,
    DecisionVeto,
    FindClients,
    GuestVerified,
    PracticeSource,
    Questions,
    RequestVeto,
)
from .practice_file import from_dict
from .services import consents, decisions, people, practices, requests, series
from .services.phones import e164
from .services.slots import explain, free_slots
from .services.state import State
from .storage import appointments, guests, history, waitlist
from .storage.database import check_ready, give_back
from .web.api.routes import create_api
from .web.blueprint import add_filters, create_blueprint
from .web.carrying import carry
from .web.gateway import create_gateway
from .web.guard import request_id
from .web.headers import protect_ours
from .web.htmx import install
from .web.inbound import answer_to
from .web.monitoring import create_monitoring


class Portal:
    """The appointment portal of a practice, added to the Flask site it has.

    `Portal(app)`, or `init_app(app)` in a factory. Nothing that belongs to one app is kept here, so one
    Portal serves several. The verbs need an app context, which every request and CLI command has.
    """

    def __init__(self, app: Flask | None = None, *, url_prefix: str = "/portal") -> None:
        self._questions = Questions()
        self._url_prefix = url_prefix
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Register pages, commands and settings. Raises SetupError, naming every setting that is wrong."""
        if "portal" in app.extensions:
            raise SetupError("This app has a portal already: create one Portal and call init_app once for each app.")
        settings = read_settings(app.config, app.instance_path)
        app.extensions["portal"] = state = State(app, settings, self._questions, carry)
        install(app)
        add_filters(app)
        app.register_blueprint(create_blueprint(self._url_prefix))
        app.register_blueprint(create_api(self._url_prefix))
        app.register_blueprint(create_gateway(self._url_prefix))
        app.register_blueprint(create_monitoring(self._url_prefix))
        request_finished.connect(protect_ours, app)
        app.cli.add_command(portal_commands())

        @app.teardown_appcontext
        def give_connection_back(_: BaseException | None) -> None:
            give_back(state.db)

    # Questions the portal asks the host.

    def current_client(self, function: CurrentClient) -> CurrentClient:
        """Register who is signed in: a function without arguments that returns a Client, or None."""
        self._questions.current_client = function
        return function

    def current_staff(self, function: CurrentStaff) -> CurrentStaff:
        """Register who decides, and so may open the review page: a function without arguments that returns a Staff,
        or None.
        """
        self._questions.current_staff = function
        return function

    def current_language(self, function: CurrentLanguage) -> CurrentLanguage:
        """Register which language pages are to be in: a function without arguments that returns a tag such as "es" or
        "es-MX", or None for the portal's first one. Without it the site's Flask-Babel is asked, else the browser.
        """
        self._questions.current_language = function
        return function

    def find_clients(self, function: FindClients) -> FindClients:
        """Register how staff find whom they invite: `function(text)` returns Clients, the best match first; the
        first 20 are shown. Without it staff type who it is.
        """
        self._questions.find_clients = function
        return function

    def guest_verified(self, function: GuestVerified) -> GuestVerified:
        """Register what becomes of a new person whose mail address is verified: a function that is given the Guest and
        returns the Client of an account of yours, or None; then the portal keeps an id of its own. Asked before their
        request is stored, perhaps more than once, as `veto_request` is.
        """
        self._questions.guest_verified = function
        return function

    def busy_times(self, function: BusyTimes) -> BusyTimes:
        """Register a provider's other commitments: `function(provider, since, until)`, the provider's key and aware
        datetimes in, pairs of aware datetimes out. Asked while no transaction is open, in another thread, for all
        providers of a page in turn; whoever asked gets NotAnswered after PORTAL_HOST_DEADLINE seconds.
        """
        self._questions.busy_times = function
        return function

    def veto_request(self, function: RequestVeto) -> RequestVeto:
        """Register a function that is shown each Proposal and may raise Refused with a sentence for the client.

        Asked while no transaction is open, in another thread; after PORTAL_HOST_DEADLINE seconds for all of them, or
        when one breaks, nothing is stored and whoever asked gets NotAnswered.
        """
        self._questions.request_vetoes.append(function)
        return function

    def veto_confirmation(self, function: DecisionVeto) -> DecisionVeto:
        """Register a function that is shown the Appointment before a request is confirmed or an invitation accepted,
        and may raise Refused with a sentence. Asked as `veto_request` is.
        """
        self._questions.confirmation_vetoes.append(function)
        return function

    def veto_cancellation(self, function: DecisionVeto) -> DecisionVeto:
        """Register a function that is shown the Appointment before client or practice cancels, and may raise Refused
        with a sentence for who cancels. Asked as `veto_request` is.
        """
        self._questions.cancellation_vetoes.append(function)
        return function

    def practice_source(self, function: PracticeSource) -> PracticeSource:
        """Register where the practice comes from: a function without arguments that returns it as a dict in the shape
        of the practice file. Asked when a practice is applied or checked without a file, in an app context.
        """
        self._questions.practice_source = function
        return function

    # Decisions. Each returns the appointment as it now is; done already, nothing changes.

    def request(
        self,
        client: Client,
        *,
        type: str,
        contact: str,
        starts: datetime,
        provider: str | None = None,
        location: str | None = None,
        note: str = "",
        replaces: str | None = None,
        reference: str = "",
        data: Mapping[str, Any] | None = None,
        by: str = "host",
    ) -> Appointment:
        """Ask for a time on a client's behalf, under the rules a client has. Raises NotOffered, SlotTaken, Refused."""
        state, asking = _asking(
            client, type, contact, starts, provider, location, replaces, reference, data, by, note=note
        )
        return requests.request_appointment(state, state.practice(), asking)

    def invite(
        self,
        client: Client,
        *,
        type: str,
        contact: str,
        starts: datetime,
        provider: str | None = None,
        location: str | None = None,
        message: str = "",
        replaces: str | None = None,
        reference: str = "",
        data: Mapping[str, Any] | None = None,
        by: str = "host",
    ) -> Appointment:
        """Propose a time, which is held until the client answers. Raises NotOffered, SlotTaken."""
        state, asking = _asking(
            client, type, contact, starts, provider, location, replaces, reference, data, by, message=message
        )
        return requests.invite_client(state, state.practice(), asking)

    def book(
        self,
        client: Client,
        *,
        type: str,
        contact: str,
        starts: datetime,
        provider: str | None = None,
        location: str | None = None,
        message: str = "",
        replaces: str | None = None,
        reference: str = "",
        data: Mapping[str, Any] | None = None,
        by: str = "host",
    ) -> Appointment:
        """Make a confirmed appointment that the client agreed to elsewhere. Raises NotOffered, SlotTaken."""
        state, asking = _asking(
            client, type, contact, starts, provider, location, replaces, reference, data, by, message=message
        )
        return requests.book_for_client(state, state.practice(), asking)

    def invite_series(
        self,
        client: Client,
        *,
        type: str,
        contact: str,
        starts: datetime,
        weeks: int,
        provider: str | None = None,
        location: str | None = None,
        message: str = "",
        free_only: bool = False,
        by: str = "host",
    ) -> list[Week]:
        """Propose the same local time in so many weeks in a row (52 at most), each an invitation of its own; how each
        week went. Raises NotEveryWeek, and nothing is sent, unless all are free or `free_only`; NotOffered.
        """
        state, asking = _asking(client, type, contact, starts, provider, location, None, "", None, by, message=message)
        return series.make_weekly(state, state.practice(), asking, weeks, book=False, free_only=free_only)

    def book_series(
        self,
        client: Client,
        *,
        type: str,
        contact: str,
        starts: datetime,
        weeks: int,
        provider: str | None = None,
        location: str | None = None,
        message: str = "",
        free_only: bool = False,
        by: str = "host",
    ) -> list[Week]:
        """As `invite_series`, but confirmed: the client agreed elsewhere. Raises NotEveryWeek, NotOffered."""
        state, asking = _asking(client, type, contact, starts, provider, location, None, "", None, by, message=message)
        return series.make_weekly(state, state.practice(), asking, weeks, book=True, free_only=free_only)

    def reschedule(
        self,
        ref: str,
        *,
        starts: datetime,
        provider: str | None = None,
        location: str | None = None,
        message: str = "",
        by: str = "host",
    ) -> Appointment:
        """Move an appointment: the new one is confirmed at once and names the old one in `replaces`. Provider and
        location stay unless given. Raises NotFound, NotOffered, SlotTaken, AlreadyDecided, and NotAllowed while another
        new time waits for an answer.
        """
        state = _state()
        practice = state.practice()
        asking = requests.asking_to_move(
            practice, self.appointment(ref), starts, _actor(by), provider=provider, location=location, message=message
        )
        return requests.book_for_client(state, practice, asking)

    def confirm(self, ref: str, *, message: str = "", by: str = "host") -> Appointment:
        """Confirm a request. Raises NotFound, AlreadyDecided, TooLate once its time has come, and SlotTaken if it did
        not hold its time.
        """
        return _decide(ref, Action.CONFIRM, message, by)

    def decline(self, ref: str, *, message: str = "", by: str = "host") -> Appointment:
        """Decline a request; the client reads the message. Raises NotFound, AlreadyDecided."""
        return _decide(ref, Action.DECLINE, message, by)

    def cancel(self, ref: str, *, message: str = "", by: str = "host") -> Appointment:
        """Cancel for the practice; the client reads the message. Raises NotFound, AlreadyDecided."""
        return _decide(ref, Action.CANCEL, message, by)

    def accept(self, ref: str, *, by: str = "host") -> Appointment:
        """Accept an invitation for a client who said so. Raises NotFound, AlreadyDecided, TooLate."""
        return _decide(ref, Action.ACCEPT, "", by)

    def withdraw(self, ref: str, *, message: str = "", by: str = "host") -> Appointment:
        """Take an invitation back. Raises NotFound, AlreadyDecided."""
        return _decide(ref, Action.WITHDRAW, message, by)

    def complete(self, ref: str, *, by: str = "host") -> Appointment:
        """Note that it took place. Raises NotFound, AlreadyDecided, TooEarly."""
        return _decide(ref, Action.COMPLETE, "", by)

    def no_show(self, ref: str, *, by: str = "host") -> Appointment:
        """Note that the client did not come. Raises NotFound, AlreadyDecided, TooEarly."""
        return _decide(ref, Action.MISS, "", by)

    # Looking.

    def practice(self) -> Practice:
        """The practice as last applied."""
        return _state().practice()

    def apply_practice(self, data: Mapping[str, Any] | None = None) -> list[str]:
        """Make `data`, or what `practice_source` returns, the practice; what changed, a line each. Raises
        PracticeFileError with all mistakes, and SetupError without tables or a practice.
        """
        state = _installed()
        check_ready(state.db)
        file = practices.from_host(state.questions) if data is None else from_dict(data)
        return practices.apply_practice(state.db, file, state.now())

    def appointment(self, ref: str) -> Appointment:
        """Raises NotFound."""
        state = _state()
        found = appointments.by_ref(state.db, state.practice(), ref)
        if found is None:
            raise NotFound
        return found

    def appointments(
        self,
        *,
        status: str | Iterable[str] | None = None,
        client: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 500,
    ) -> list[Appointment]:
        """Soonest first, by status, client id, and start from `since` until before `until` (aware)."""
        state = _state()
        return appointments.listed(
            state.db,
            state.practice(),
            statuses=None if status is None else [Status(s) for s in ([status] if isinstance(status, str) else status)],
            client_id=client,
            since=since,
            until=until,
            limit=limit,
        )

    def find_slots(
        self,
        *,
        type: str,
        contact: str,
        provider: str | None = None,
        location: str | None = None,
        since: date | datetime | None = None,
        until: date | datetime | None = None,
    ) -> Iterable[Slot]:
        """Free times, earliest first, lazily. Dates are local and `until` is included; datetimes are aware and it
        is not. By default from now to the type's horizon. Raises NotOffered.
        """
        state = _state()
        practice = state.practice()
        wish = practice.wish(type, contact, provider, location)
        now = state.now()
        first = _edge(since, wish.zone, 0) or now
        last = _edge(until, wish.zone, 1) or now + wish.type.horizon + timedelta(days=2)
        return free_slots(state, practice, wish, since=first, until=last, now=now)

    def explain_slot(
        self,
        *,
        type: str,
        contact: str,
        starts: datetime,
        provider: str | None = None,
        location: str | None = None,
        client: Client | None = None,
    ) -> Explanation:
        """Why a start (aware) is offered, to this client if one is named, or is not. Raises NotOffered for a choice
        that the practice does not have.
        """
        state = _state()
        practice = state.practice()
        wish = practice.wish(type, contact, provider, location)
        return explain(state, practice, wish, starts, client)

    def waitlist(self) -> list[Waiting]:
        """Who waits for a time to come free, in the order in which they are offered one."""
        state = _state()
        return waitlist.line(state.db, state.practice())

    def intake(self, ref: str) -> list[IntakeAnswer]:
        """What a new client answered to the practice's questions; empty for everybody else. Raises NotFound."""
        return guests.intake(_state().db, self.appointment(ref))

    def history(self, ref: str) -> list[HistoryEntry]:
        """What happened to an appointment, oldest first, for staff to read. Raises NotFound."""
        return history.entries(_state().db, self.appointment(ref).id)

    # Texts that come in.

    def incoming_text(self, phone: str, text: str, id: str, *, answered: bool = False) -> str | None:
        """Tell of a text that somebody sent to the practice's number, where its gateway is another than Twilio; what to
        answer, or None for nothing. The same `id` of the gateway counts once. `answered` says that the gateway has
        answered by itself: what was said counts, and the answer is None.
        """
        return answer_to(_state(), phone, text, id, answered=answered)

    def stop_texts(self, phone: str, *, by: str = "host", said: str = "") -> None:
        """Text a number no more: somebody told the practice so, in words that `said` keeps. Raises NotOffered for what
        is no phone number.
        """
        state = _state()
        number = _texted(phone, state.practice())
        consents.opt_out(state, number, Way.PRACTICE, clean_text(said), state.now(), _actor(by))

    # A client's own rights.

    def export_client(self, client_id: str, *, by: str = "host") -> dict[str, Any]:
        """All that is stored about a client: `client`, `exported`, and lists of `appointments`, `holds`, `waitlist`,
        `consents`, `intake`, `messages` and `history`, fit for JSON, instants as ISO 8601 in UTC. The export is
        recorded.
        """
        return people.export_client(_state(), client_id, _actor(by))

    def erase_client(self, client_id: str, *, by: str = "host", cancel: bool = False) -> int:
        """Take away whatever names a client or was said by or to them; how many appointments stay, as numbers. Raises
        AppointmentsAhead while any is open and still to come, unless `cancel` says to cancel those first.
        """
        return people.erase_client(_state(), client_id, _actor(by), cancel=cancel)

    # Running.

    def check(self, app: Flask) -> None:
        """Raises SetupError, with one sentence that says what to do, until database and practice are in place."""
        with app.app_context():
            _state()

    def deliver(self) -> int:
        """Send what is due now, as `flask portal worker --once` does; how many messages were sent."""
        return worker.run_once(current_app._get_current_object(), _state())  # type: ignore[attr-defined]

    def previews(self, *, language: str = "") -> Iterator[Preview]:
        """Every message with sample facts, in your own templates and with the practice's names; nothing is sent. In the
        first of PORTAL_LANGUAGES, or in that of a tag such as "es". Raises SetupError when the practice offers nothing
        yet, and for a language that the site does not speak.
        """
        return previews(current_app._get_current_object(), _state(), language)  # type: ignore[attr-defined]

    def start_worker(self, app: Flask) -> None:
        """Deliver in a background thread of this process. Several processes may: a message is leased by one."""
        state: State = app.extensions["portal"]

        def start() -> None:
            threading.Thread(
                target=worker.run, args=(app, state, threading.Event()), name="portal-worker", daemon=True
            ).start()

        start()
        # A server that forks takes no threads along.
        os.register_at_fork(after_in_child=start)


def _state() -> State:
    state = _installed()
    state.check()
    return state


def _installed() -> State:
    state: State | None = current_app.extensions.get("portal")
    if state is None:
        raise SetupError("This app has no portal: call Portal(app), or portal.init_app(app) in its factory.")
    return state


def _asking(
    client: Client,
    type: str,
    contact: str,
    starts: datetime,
    provider: str | None,
    location: str | None,
    replaces: str | None,
    reference: str,
    data: Mapping[str, Any] | None,
    by: str,
    note: str = "",
    message: str = "",
) -> tuple[State, requests.Asking]:
    state = _state()
    practice = state.practice()
    moving = appointments.by_ref(state.db, practice, replaces) if replaces else None
    if replaces and (moving is None or moving.client.id != client.id):
        raise NotFound
    asking = requests.Asking(
        practice.wish(type, contact, provider, location),
        client,
        starts,
        _actor(by),
        moving=moving,
        host_reference=reference,
        host_data=data or {},
        note=note,
        message=message,
    )
    return state, asking


def _decide(ref: str, action: Action, message: str, by: str) -> Appointment:
    return decisions.decide(_state(), ref, action, _actor(by), message)


def _actor(by: str) -> Actor:
    return Actor(ActorKind.HOST if by == "host" else ActorKind.STAFF, by, request_id())


def _texted(phone: str, practice: Practice) -> str:
    """The number in E.164. Raises NotOffered."""
    number = e164(phone, practice.country)
    if not number:
        raise NotOffered("phone", said("That is not a complete phone number. Enter it with its area code."))
    return number


def _edge(value: date | datetime | None, zone: str, side: int) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else _day_edge(value, zone, side)


@lru_cache(maxsize=4096)
def _day_edge(day: date, zone: str, side: int) -> datetime:
    # Far enough for anybody, and never past what a calendar can count.
    day = min(max(day, date(1900, 1, 1)), date(9000, 1, 1))
    return instant(day_bounds(day, zone)[side])
