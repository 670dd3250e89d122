"""One furnished site for each engine."""

from collections.abc import Iterator

import pytest

from portal_plugin.domain.limits import Limit
from portal_plugin.testing import Clock, Texts, mailbox
from tests.conftest import fresh_database
from tests.fuzz.site import Site
from tests.support import MONDAY, make_host
from tests.web.conftest import templates_are_compiled_once
from tests.web.texter import TWILIO

__all__ = ["templates_are_compiled_once"]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """It has no limits: what is refused for being too much is not looked at."""
    folder = tmp_path_factory.mktemp("fuzz")
    for url in fresh_database(request, folder, request.param):
        settings = {
            "PORTAL_LIMITS": dict.fromkeys(limit.key for limit in Limit),
            "PORTAL_TWILIO": TWILIO,
            "PORTAL_SMS": Texts(),
            "PORTAL_METRICS_TOKEN": "m" * 16,
        }
        host = make_host(url, folder, Clock(MONDAY), **settings)
        with mailbox(host.app) as host.mailbox:
            yield Site(host)
        host.state.db.close_all()
