"""Every panel fits a small phone and large letters, and a thumb finds every link and button."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

from portal_plugin.testing import Clock
from tests.browser.conftest import Visit
from tests.browser.panels import Show, furnished, furnished_for_visitors, with_mistakes
from tests.browser.site import Site, served
from tests.browser.visitor import BOOK, STEP_2, TUESDAY, Visitor
from tests.practices import PRACTICE

pytestmark = pytest.mark.browser

TOO_WIDE = """
() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  const beyond = (each) => each.getBoundingClientRect().right > edge + 0.5;
  const wide = [...document.querySelectorAll("body *")].filter(beyond);
  return ["scrolls sideways", ...wide.map((each) => each.outerHTML.slice(0, 100))];
}
"""
# A link inside a sentence is as high as its line.
TOO_SMALL = """
() => {
  const all = [...document.querySelectorAll(".portal a, .portal button, .portal input, .portal textarea")];
  return all.filter((each) => each.getClientRects().length).flatMap((each) => {
    const target = each.closest("label") ?? each;
    const style = getComputedStyle(target);
    const inline = style.display === "inline";
    const { width, height } = target.getBoundingClientRect();
    const high = inline ? parseFloat(style.lineHeight) : height;
    const small = high < (inline ? 24 : 44) - 0.01 || width < 24;
    return small ? [`${width.toFixed(1)} × ${high.toFixed(1)}: ${target.outerHTML.slice(0, 150)}`] : [];
  });
}
"""


def red_border(control: Locator) -> bool:
    """Whether the border has the colour of the sentence that says what is wrong."""
    colour = "(each, name) => getComputedStyle(each)[name]"
    wrong = control.page.locator(".portal-error").evaluate(colour, "color")
    return bool(control.evaluate(colour, "borderTopColor") == wrong)


@pytest.mark.parametrize(("who", "panels"), [("maya", furnished), (None, furnished_for_visitors)])
def test_no_panel_scrolls_sideways_and_every_target_is_large_enough(
    visit: Visit, site: Site, who: str | None, panels: Callable[[Site], dict[str, Show]]
) -> None:
    visitor, found = visit(who=who), {}
    for name, show in panels(site).items():
        show(visitor)
        for width in (320, 390):
            visitor.page.set_viewport_size({"width": width, "height": 700})
            found[f"{name}, {width} pixels"] = visitor.page.evaluate(TOO_WIDE) + visitor.page.evaluate(TOO_SMALL)
        visitor.page.set_viewport_size({"width": 640, "height": 700})
        visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")
        found[f"{name}, letters twice as large"] = visitor.page.evaluate(TOO_WIDE)
    assert {where: problems for where, problems in found.items() if problems} == {}


def test_a_field_with_a_mistake_is_marked_in_colour_too(maya: Visitor) -> None:
    with_mistakes(maya)
    assert red_border(maya.page.get_by_label("Mobile number"))
    assert not red_border(maya.page.get_by_label("Anything the practice should know?"))


def test_the_chosen_time_and_day_can_be_told_in_high_contrast(visit: Visit) -> None:
    maya = visit(forced_colors="active")
    maya.open(STEP_2)
    time = maya.page.locator(".portal-slot", has_text="9:00 AM")
    before = time.screenshot()
    time.locator("input").evaluate("(input) => { input.checked = true; }")
    assert time.screenshot() != before
    day = maya.page.get_by_role("link", name=TUESDAY)
    chosen = day.screenshot()
    day.evaluate("(link) => link.removeAttribute('aria-current')")
    assert day.screenshot() != chosen


def test_without_a_base_template_of_the_hosts_the_portal_is_a_page_of_its_own(
    browser: Browser, sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    with served(sqlite_url, tmp_path, clock, PORTAL_BASE_TEMPLATE="portal/base.html") as site:
        site.host.apply(PRACTICE)
        maya = Visitor(browser, site, "maya", True, {"viewport": {"width": 320, "height": 700}})
        maya.open(BOOK)
        maya.step_1("Therapy visit", "Phone call")
        assert maya.page.evaluate(TOO_WIDE) == []
        maya.context.close()
        assert maya.troubles == []
