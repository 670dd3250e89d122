"""Whatever a stranger sends, by any door: an answer that is meant, nothing stored that was not asked for, no markup."""

import os
from random import Random, SystemRandom

import pytest

from tests.fuzz.knocks import described, knocks
from tests.fuzz.site import Site
from tests.fuzz.watch import Watch

FEW, MANY = 300, 20_000
"""Requests of the short run and of the long one, on each engine."""

MOST_AT_ONCE = 40
"""Requests one after the other, before the site is put back to what it was."""


def fuzz(watch: Watch, seed: str) -> None:
    """The requests of a seed, from the site as it was furnished on; a failure tells the one that was its cause."""
    dice = Random(seed)
    watch.begin()
    for n in range(dice.randint(1, MOST_AT_ONCE)):
        knock = knocks(dice, watch.site)
        try:
            knock.send(watch.site, watch)
        except Exception as error:
            error.add_note(f"PORTAL_FUZZ_SEED={seed}, request {n + 1}: {described(knock)}")
            raise
    watch.over_the_worker()


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
    for n in range(FEW):
        if watch.requests < FEW:
            fuzz(watch, f"short-{n}")
    assert watch.requests >= FEW


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_is_in_twenty_thousand_requests_either(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Others each time. PORTAL_FUZZ_SEED, as a failure tells it, begins with those of that seed."""
    watch = Watch(site)
    start = os.environ.get("PORTAL_FUZZ_SEED") or f"{SystemRandom().getrandbits(32)}"
    try:
        fuzz(watch, start)
        for n in range(MANY):
            if watch.requests < MANY:
                fuzz(watch, f"{start}-{n}")
    finally:
        with capsys.disabled():
            print(f"\n{watch.requests} requests from seed {start}")
            print(" ".join(f"{name or 'no route'}:{status}={n}" for (name, status), n in sorted(watch.seen.items())))
    assert watch.requests >= MANY
