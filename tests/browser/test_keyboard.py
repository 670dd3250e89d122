"""Nothing needs a mouse: Tab, Space, Enter and arrows lead through everything, and show where they are."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.site import Site
from tests.browser.visitor import BOOK, WEDNESDAY, Visitor

pytestmark = pytest.mark.browser

# The ring is on the control, or on the label that stands for it.
SHOWS_FOCUS = """
(control) => [control, control.closest("label")].some((each) => each
  && getComputedStyle(each).outlineStyle !== "none" && parseFloat(getComputedStyle(each).outlineWidth) >= 2)
"""


def tab_to(maya: Visitor, control: Locator) -> None:
    """Press Tab until this has the focus, visibly."""
    expect(control).to_be_attached()
    for _ in range(60):
        maya.page.keyboard.press("Tab")
        if control.evaluate("(control) => control === document.activeElement"):
            assert control.evaluate(SHOWS_FOCUS), "the focus cannot be seen"
            return
    raise AssertionError(f"Tab does not lead to {control}")


def test_the_whole_flow_needs_only_a_keyboard(either_maya: Visitor, site: Site) -> None:
    maya, page = either_maya, either_maya.page
    press = page.keyboard.press

    def choose(name: str, *, arrows: int = 0) -> None:
        """Choose among radio buttons: Tab leads to the first one, arrows go on."""
        first = page.get_by_role("radio", name=name)
        tab_to(maya, first)
        press("Space")
        for _ in range(arrows):
            maya.quiet()
            press("ArrowDown")
        maya.quiet()
        if not maya.javascript:
            press("Enter")
            page.wait_for_load_state()

    maya.open(BOOK)
    choose("Therapy visit")
    choose("In person")
    choose("Main Street")
    if maya.javascript:
        tab_to(maya, page.get_by_role("radio", name="Ada Moreau"))
        tab_to(maya, maya.button("Confirm Type"))
        press("Enter")
    maya.heading("Choose a date and time")

    tab_to(maya, page.get_by_role("link", name=WEDNESDAY))
    press("Enter")
    expect(page.get_by_role("group", name=WEDNESDAY)).to_be_visible()
    tab_to(maya, page.get_by_role("radio", name="9:00 AM"))
    press("Space")
    press("ArrowDown")
    expect(page.get_by_role("radio", name="9:30 AM")).to_be_checked()
    tab_to(maya, page.get_by_label("Yes, send me text reminders"))
    press("Space")
    tab_to(maya, page.get_by_label("Mobile number"))
    tab_to(maya, page.get_by_label("Anything the practice should know?"))
    page.keyboard.type("The ramp, please.")
    tab_to(maya, maya.button("Request Appointment"))
    press("Enter")
    maya.heading("Request sent")

    tab_to(maya, page.get_by_role("link", name="See upcoming appointments"))
    press("Enter")
    maya.heading("Upcoming appointments")
    tab_to(maya, page.get_by_role("link", name=re.compile("^Cancel")))
    press("Enter")
    maya.heading("Cancel this appointment?")
    tab_to(maya, page.get_by_label("Reason"))
    page.keyboard.type("I moved away.")
    tab_to(maya, maya.button("Yes, cancel it"))
    press("Space")
    expect(page.get_by_text("You have no upcoming appointments.")).to_be_visible()
    [cancelled] = site.appointments()
    assert (cancelled.status, cancelled.note, cancelled.reason) == ("cancelled", "The ramp, please.", "I moved away.")


def test_arrows_move_through_a_question_whose_answer_is_fetched(maya: Visitor) -> None:
    page = maya.page
    maya.open(f"{BOOK}?type=visit")
    tab_to(maya, page.get_by_role("radio", name="In person"))
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Main Street")).to_be_visible()
    for name in ("Phone call", "In person", "Phone call"):
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("radio", name=name)).to_be_focused()
        expect(page.get_by_role("radio", name=name)).to_be_checked()
        maya.quiet()
    expect(page.get_by_role("radio", name="Phone call")).to_be_focused()
