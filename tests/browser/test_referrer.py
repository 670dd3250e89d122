"""Whoever goes on to a calendar, a map or a video call tells nobody where they came from."""

import pytest
from flask import Response
from playwright.sync_api import Route

from portal_plugin.services.tokens import link_token
from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.visitor import UPCOMING, Visitor
from tests.practices import practice
from tests.support import TUESDAY_TEN
from tests.web.desk import DAY

pytestmark = pytest.mark.browser

OUTSIDE = {"Google Calendar", "Outlook", "Microsoft 365", "Join Phone call", "Directions to Main Street"}


@pytest.fixture
def confirmed(site: Site) -> str:
    """Two appointments with everything to click on; the thread of one of them. The site itself tells all it can."""
    data = practice()
    data["contact_types"][1] |= {"join_url": "https://video.example/{provider}"}
    site.host.apply(data)

    def tell_everybody(response: Response) -> Response:
        response.headers["Referrer-Policy"] = "unsafe-url"
        return response

    # It has served by now, and takes no more by its decorator.
    site.host.app.after_request_funcs[None].append(tell_everybody)

    seen = (
        site.host.request(starts=TUESDAY_TEN),
        site.host.request(starts=TUESDAY_TEN + DAY, contact="phone", location=None),
    )
    for one in seen:
        site.decide("confirm", one.ref)
    return seen[1].thread


def told_outside(visitor: Visitor, path: str, script: str = "0") -> dict[str, str | None]:
    """The referrer that each site outside was sent when its link was clicked, by the link's words."""
    told: dict[str, str | None] = {}
    asked: list[str | None] = []

    def elsewhere(route: Route) -> None:
        asked.append(route.request.all_headers().get("referer"))
        route.fulfill(body="<title>elsewhere</title>", content_type="text/html")

    visitor.context.route(lambda url: not url.startswith(visitor.address), elsewhere)
    visitor.open(path)
    links = visitor.page.locator('#portal-panel a[href^="https:"]')
    words = [" ".join(text.split(",")[0].split()) for text in links.all_text_contents()]
    for name in dict.fromkeys(words):
        if told:
            visitor.open(path)
        visitor.page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
        visitor.page.evaluate(script)
        links.nth(words.index(name)).click()
        visitor.page.wait_for_url(lambda url: not url.startswith(visitor.address))
        told[name] = asked[-1]
    visitor.troubles = [one for one in visitor.troubles if not one.startswith("asked another site")]
    return told


def test_no_site_outside_learns_which_page_a_client_came_from(maya: Visitor, confirmed: str) -> None:
    assert told_outside(maya, UPCOMING) == dict.fromkeys(OUTSIDE)


def test_nor_the_link_of_a_guest(visit: Visit, site: Site, confirmed: str) -> None:
    path = f"/portal/guest/{link_token(site.host.state, 'guest', confirmed)}"
    told = told_outside(visit(None), path)
    assert told == dict.fromkeys(OUTSIDE - {"Directions to Main Street"})


def test_a_link_that_says_nothing_of_it_would_tell_on_such_a_site(maya: Visitor, confirmed: str) -> None:
    """The control."""
    bare = "document.querySelectorAll('a[rel]').forEach((each) => each.removeAttribute('rel'))"
    assert set(told_outside(maya, UPCOMING, bare).values()) == {f"{maya.address}{UPCOMING}"}
