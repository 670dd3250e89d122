"""A request keeps the language in which it was made, for what is written to the client later."""

import pytest

from portal_plugin import Client
from tests.support import PEOPLE, STEP_2, Host, filled_form, offered_times


@pytest.mark.parametrize(
    ("own", "accepts", "kept"),
    [("", "es-MX,es;q=0.9", "es-MX"), ("", "tlh", "en-US"), ("", "es", "es-US"), ("fr-CA", "es-MX", "fr-CA")],
)
def test_a_request_keeps_the_language_of_the_page_unless_the_host_knows_the_clients(
    host: Host, monkeypatch: pytest.MonkeyPatch, own: str, accepts: str, kept: str
) -> None:
    monkeypatch.setitem(PEOPLE, "lucia", Client("lucia", "Lucia", "lucia@example.org", language=own))
    browser = host.browser("lucia")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = accepts
    page = browser.get(STEP_2).text
    browser.post("/portal/appointments/book", data=filled_form(page, starts=offered_times(page)[0]))

    with host.app.app_context():
        [appointment] = host.portal.appointments()
    assert appointment.client.language == kept
