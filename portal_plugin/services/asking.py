"""Putting a question to the host's own code, and waiting no longer than a deadline for the answer."""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from datetime import datetime
from typing import TypeVar

from ..domain.appointment import Appointment, Client
from ..domain.errors import NotAnswered, PortalError, whereabouts
from ..domain.guests import Guest
from ..domain.instants import seconds
from ..domain.lifecycle import Action
from ..hooks import DecisionVeto, Proposal, Questions

log = logging.getLogger("portal_plugin")

Answer = TypeVar("Answer")
Carry = Callable[[Callable[[], None]], Callable[[], None]]
"""Gives a function what it needs to run in another thread as the host's code runs elsewhere."""

MOST_OVERDUE = 8
"""Questions past their deadline whose threads still run; while there are as many, nobody is asked anything more."""


class Host:
    """Who is asked, in a thread of its own, since nothing else can stop waiting for code that hangs.

    `deadline` is in seconds; None asks in the calling thread and waits for ever. No question may be asked while a
    transaction is open.

    Each raises NotAnswered past the deadline, at once while too many earlier questions hang, and where the host's code
    raises what is no PortalError. A PortalError is its answer.
    """

    def __init__(self, questions: Questions, deadline: float | None, carry: Carry) -> None:
        self.questions = questions
        self.deadline = deadline
        self._carry = carry
        self._lock = threading.Lock()
        self._overdue = 0

    def busy(self, providers: Iterable[str], since: datetime, until: datetime) -> dict[str, list[tuple[int, int]]]:
        """What the host calls busy, by key of provider; nothing where it registered no busy_times."""
        busy_times = self.questions.busy_times
        if busy_times is None:
            return {}
        return self._ask(
            "busy_times",
            lambda: {
                key: [(seconds(starts), seconds(ends)) for starts, ends in busy_times(key, since, until)]
                for key in providers
            },
        )

    def permit_request(self, proposal: Proposal) -> None:
        """Raises Refused, or whatever PortalError a veto says no with."""
        if vetoes := self.questions.request_vetoes:
            self._ask("veto_request", lambda: [veto(proposal) for veto in vetoes])

    def permit_decision(self, action: Action, appointment: Appointment) -> None:
        """The same before an appointment is confirmed, accepted or cancelled."""
        what, vetoes = self._about(action)
        if vetoes:
            self._ask(what, lambda: [veto(appointment) for veto in vetoes])

    def client_of(self, guest: Guest) -> Client | None:
        """Whom the host makes of a new person; None where it keeps no account for them, or is not asked."""
        guest_verified = self.questions.guest_verified
        if guest_verified is None:
            return None
        client = self._ask("guest_verified", lambda: guest_verified(guest))
        if client is not None and not isinstance(client, Client):
            log.error("guest_verified must return a Client or None, not %s.", type(client).__name__)
            raise NotAnswered
        return client

    def _about(self, action: Action) -> tuple[str, list[DecisionVeto]]:
        # An invitation that is accepted becomes an appointment, as a request does that is confirmed.
        if action in {Action.CONFIRM, Action.ACCEPT}:
            return "veto_confirmation", self.questions.confirmation_vetoes
        if action is Action.CANCEL:
            return "veto_cancellation", self.questions.cancellation_vetoes
        return "", []

    def _ask(self, what: str, question: Callable[[], Answer]) -> Answer:
        """`what` is the decorator with which the functions were registered, for the log."""
        try:
            return question() if self.deadline is None else self._in_time(what, self.deadline, question)
        except PortalError:
            raise
        except Exception as error:
            log.error("%s could not be asked: %s", what, whereabouts(error))
            raise NotAnswered from error

    def _in_time(self, what: str, deadline: float, question: Callable[[], Answer]) -> Answer:
        if self._overdue >= MOST_OVERDUE:
            log.error("%s was not asked: %d earlier questions are still without an answer.", what, self._overdue)
            raise NotAnswered
        answer: Future[Answer] = Future()
        told: list[Answer] = []
        # The contexts end, and with them the host's connections, before the answer counts.
        work = self._carry(lambda: told.append(question()))

        def run() -> None:
            try:
                work()
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(told[0])

        threading.Thread(target=run, name=f"portal-{what}", daemon=True).start()
        if not wait([answer], deadline).done:
            self._give_up(what, deadline, answer)
        return answer.result()

    def _give_up(self, what: str, deadline: float, answer: Future[Answer]) -> None:
        with self._lock:
            self._overdue += 1

        def came_late(_: Future[Answer]) -> None:
            with self._lock:
                self._overdue -= 1
            log.warning("%s was answered at last, too late to be used.", what)

        answer.add_done_callback(came_late)
        log.error("%s was not answered within %g seconds.", what, deadline)
        raise NotAnswered
