"""Whatever a stranger sends, by any door: an answer that is meant, nothing stored that was not asked for, no markup."""

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from tests.fuzz.knocks import described, knocks
from tests.fuzz.site import Site
from tests.fuzz.watch import Watch

FEW, MANY = 25, 20_000
"""Examples of the short run; requests of the long one, on each engine."""

MOST_AT_ONCE = 24
"""Requests one after the other, before the site is put back to what it was."""


def fuzz(site: Site, watch: Watch, run: settings, start: int | None = None) -> None:
    """Each example begins with the site as it was furnished."""

    @run
    @given(st.data())
    def walk(data: Any) -> None:
        site.put_back()
        for _ in range(data.draw(st.integers(1, MOST_AT_ONCE))):
            knock = knocks(data.draw, site)
            note(str(described(knock)))
            knock.send(site, watch)
        watch.over_the_worker()

    (walk if start is None else seed(start)(walk))()


def patient(examples: int, **more: Any) -> settings:
    """What fails is told as it came, the last request being the one at fault: making it smaller takes minutes."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    more |= {"deadline": None, "database": None, "phases": [Phase.generate], "suppress_health_check": checks}
    return settings(max_examples=examples, **more)


@pytest.mark.slow
def test_each_route_that_acts_has_a_form_to_begin_with(site: Site) -> None:
    """A new form is found by itself where a page shows it; what this misses, tests/fuzz/site.py has to furnish."""
    acting = {rule.endpoint for rule in site.rules() if rule.endpoint.startswith("portal.") and "POST" in rule.methods}
    found = {rule.endpoint for way in site.ways if (rule := site.rule(way.form.action, way.form.method))}
    assert acting <= found, acting - found
    assert all(site.rule(page, "get") for page in site.pages)


@pytest.mark.slow
def test_nothing_that_a_stranger_sends_is_a_fault_or_stored_unasked(site: Site) -> None:
    watch = Watch(site)
    fuzz(site, watch, patient(FEW, derandomize=True))
    assert watch.requests > FEW


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_is_in_twenty_thousand_requests_either(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Another twenty thousand each time; PORTAL_FUZZ_SEED repeats those of a run."""
    watch = Watch(site)
    start = int(os.environ.get("PORTAL_FUZZ_SEED") or random.SystemRandom().getrandbits(32))
    rounds = 0
    try:
        while watch.requests < MANY:
            fuzz(site, watch, patient(100), start + rounds)
            rounds += 1
    finally:
        with capsys.disabled():
            print(f"\n{watch.requests} requests, PORTAL_FUZZ_SEED={start}, round {rounds}")
            print(" ".join(f"{name or 'no route'}:{status}={n}" for (name, status), n in sorted(watch.seen.items())))
    assert watch.requests >= MANY
