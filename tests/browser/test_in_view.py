"""What was chosen stays in view on step 2, and never covers what has the focus (WCAG 2.4.11)."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import STEP_2, Visitor

pytestmark = pytest.mark.browser

COVERED = """
() => {
  const focused = document.activeElement.closest("label") ?? document.activeElement;
  const summary = document.querySelector(".portal-chosen");
  if (summary.contains(focused) || focused === document.body) return "";
  const [one, other] = [focused.getBoundingClientRect(), summary.getBoundingClientRect()];
  return one.top < other.bottom && one.bottom > other.top ? focused.outerHTML.slice(0, 100) : "";
}
"""


def test_the_summary_stays_in_view_and_says_which_time_is_ticked(maya: Visitor) -> None:
    maya.open(STEP_2)
    summary = maya.page.locator(".portal-chosen")
    expect(summary).to_contain_text("Tue, Dec 8")
    maya.page.get_by_role("radio", name="11:00 AM").check()
    expect(summary).to_contain_text("11:00 AM")
    maya.button("Request Appointment").scroll_into_view_if_needed()
    expect(summary).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_summary_never_covers_what_has_the_focus(visit: Visit, width: int) -> None:
    maya = visit(viewport={"width": width, "height": 640})
    maya.open(STEP_2)
    maya.page.get_by_role("radio", name="11:00 AM").check()
    maya.button("Request Appointment").focus()
    covered = set()
    for _ in range(40):
        covered.add(maya.page.evaluate(COVERED))
        maya.page.keyboard.press("Shift+Tab")
    assert covered == {""}


@pytest.mark.parametrize("width", [390, 1280])
def test_the_summary_covers_nothing_of_what_went_wrong(visit: Visit, width: int) -> None:
    maya = visit(viewport={"width": width, "height": 844})
    maya.expects = {422}
    maya.open(STEP_2)
    maya.page.get_by_label("Anything the practice should know?").fill("x" * 1001)
    maya.step_2("11:00 AM")
    expect(maya.page.get_by_role("alert")).to_be_focused()
    assert maya.page.evaluate(COVERED) == ""
    expect(maya.page.get_by_role("alert")).to_be_in_viewport(ratio=1)


def test_on_a_low_screen_the_summary_scrolls_away(visit: Visit) -> None:
    maya = visit(viewport={"width": 640, "height": 360})
    maya.open(STEP_2)
    maya.button("Request Appointment").scroll_into_view_if_needed()
    expect(maya.page.locator(".portal-chosen")).not_to_be_in_viewport()
