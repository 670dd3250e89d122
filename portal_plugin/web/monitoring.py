"""What a load balancer and a monitor ask. No person is named in any answer."""

import hmac
from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..domain.errors import SetupError
from ..services.state import State
from ..storage import health
from ..storage.database import Unreachable
from .guard import current_state

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text exposition format."""


def create_monitoring(url_prefix: str) -> Blueprint:
    monitoring = Blueprint("portal_monitoring", __name__, url_prefix=url_prefix)
    monitoring.add_url_rule("/health", "health", alive, methods=["GET"])
    monitoring.add_url_rule("/ready", "ready", ready, methods=["GET"])
    monitoring.add_url_rule("/metrics", "metrics", metrics, methods=["GET"])
    for failure in (SetupError, *Unreachable):
        monitoring.register_error_handler(failure, _not_ready)
    return monitoring


def alive() -> ResponseReturnValue:
    """This process answers: restarting it would mend nothing that is wrong elsewhere."""
    return _plain("ok\n")


def ready() -> ResponseReturnValue:
    """Database, tables and practice are in place, so clients may be sent here; else 503."""
    current_state().check(anew=True)
    return _plain("ready\n")


def metrics() -> ResponseReturnValue:
    """Numbers for Prometheus, the same from every process; nothing for whoever does not bring PORTAL_METRICS_TOKEN."""
    state = current_state()
    token = state.settings.metrics_token
    given = request.authorization.token if request.authorization else None
    if not token or not hmac.compare_digest((given or "").encode(), token.encode()):
        abort(404)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(state))
    return Response(generate_latest(registry), content_type=FORMAT)


class _Numbers(Collector):
    """Asked of the database, once for each answer."""

    def __init__(self, state: State) -> None:
        self._state = state

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        now = self._state.now()
        oldest = GaugeMetricFamily("portal_open_oldest_seconds", "Age of the oldest that waits.", labels=["status"])
        number = GaugeMetricFamily("portal_open", "Appointments that are not at their end.", labels=["status"])
        for status, count, created in health.open_appointments(self._state.db):
            number.add_metric([status], count)
            oldest.add_metric([status], (now - created) / timedelta(seconds=1))
        yield number
        yield oldest
        queues = health.queues(self._state.db, now)
        for name, told, values in (
            ("waiting", "Messages not yet sent, reminders of days to come included.", [q.waiting for q in queues]),
            ("due", "Messages that should be on their way.", [q.due for q in queues]),
            ("failing", "Messages that failed at least once and will be tried again.", [q.failing for q in queues]),
            ("given_up", "Messages that will not be tried again.", [q.given_up for q in queues]),
            ("late_seconds", "How long the oldest has been due.", [q.late(now) / timedelta(seconds=1) for q in queues]),
        ):
            family = GaugeMetricFamily(f"portal_outbox_{name}", told, labels=["channel"])
            for queue, value in zip(queues, values, strict=True):
                family.add_metric([queue.channel], value)
            yield family
        reasons = GaugeMetricFamily(
            "portal_outbox_failures", "Messages whose last attempt failed, by why.", labels=["channel", "reason"]
        )
        for channel, reason, count in health.failures(self._state.db):
            reasons.add_metric([channel, reason], count)
        yield reasons


def _plain(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/plain")


def _not_ready(error: Exception) -> ResponseReturnValue:
    # Why stands in the log and in what the doctor says; an answer to everybody says no more.
    return _plain("not ready\n", 503)
