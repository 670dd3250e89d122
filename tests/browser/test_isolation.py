"""Inside other people's pages: their stylesheet does not disturb the portal, nor the portal's their pages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.frameworks import FRAMEWORKS, stylesheet
from tests.browser.panels import furnished, furnished_for_visitors
from tests.browser.site import Site
from tests.browser.visitor import STEP_2, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Framed = Callable[..., Visitor]
PANELS = (
    *("step 1 answered", "step 2 on another clock", "step 2 filled in", "step 2 with mistakes", "list", "step 3"),
    *("waitlist with mistakes", "cancel", "own calendar", "about you with mistakes"),
)

OWN = """
<div id="own" lang="en"><h1>One</h1><h2>Two</h2><h3>Three</h3>
<p>Words <a href="#x">link</a> <small>small</small> <strong>strong</strong> <abbr title="long">abbr</abbr></p>
<ul><li>one</li></ul><ol><li>one</li></ol><dl><dt>term</dt><dd>told</dd></dl>
<form><fieldset><legend>Legend</legend><label for="own-text">Label</label><input id="own-text">
<input type="radio" name="own"><input type="checkbox" checked><input type="tel" name="tel"><textarea></textarea>
<select><option>1</option></select><button>Press</button><button type="submit">Send</button></fieldset></form>
<table><caption>Caption</caption><thead><tr><th>Head</th></tr></thead><tbody><tr><td>Cell</td></tr></tbody></table>
<nav aria-label="Own"><a href="#y" aria-current="page">Here</a></nav>
<section><details open><summary>More</summary><p>text</p></details></section><dialog open>Dialog</dialog><hr>
<blockquote>Quote</blockquote><pre>pre</pre><code>code</code><time>9:00</time></div>
"""
FURNISH = "html => document.body.insertAdjacentHTML('beforeend', html)"

COMPUTED = """
([selector, left_out]) => {
  const names = [...getComputedStyle(document.body)].filter((name) => !name.match(left_out));
  return [...document.querySelectorAll(selector)].flatMap((element, place) =>
    ["", "::before"].map((part) => {
      const style = getComputedStyle(element, part || null);
      const classes = element.getAttribute("class");
      return [`${place} ${element.localName}${classes ? "." + classes : ""}${part}`,
        names.map((name) => `${name}: ${style.getPropertyValue(name)}`)];
    }));
}
"""
# What follows from how much else is on the page.
SIZES = (
    "^(grid-template-.*|(.*-)?((block|inline)-size|width|height|perspective-origin|transform-origin|inset.*"
    "|top|right|bottom|left))$"
)
# How far down the page something stands.
PLACES = "^(inset.*|top|right|bottom|left)$"
# What a page gives the portal on purpose.
LETTERS = "^(color-scheme|font-family|text-rendering|tab-size|text-size-adjust|-webkit-tap-highlight-color)$"
# Pico makes room for a sign of its own in a field with a mistake, `!important`; and the outermost box shows no picture.
HARMLESS = (
    "with mistakes, .* (input|textarea) (padding-(inline|left|right)|background-(position|repeat|size))"
    "|, 0 div.portal(::before| background-repeat)"
    r"|\d path|portal-icon background-repeat|animation-d"
)
# On both pages, so that letters are as wide on the one as on the other.
SAME_LETTERS = "body { margin: 0; } body, body * { font-family: sans-serif !important; }"
SWITCH_OFF = """
() => [...document.styleSheets].filter((sheet) => sheet.href.includes("/portal.css")).map((sheet) => {
  sheet.disabled = true;
})
"""

SHOWN = 40

OVERRIDES = """
@layer theirs { :root { --portal-accent: #7a2e4d; } }
:root { --portal-tint: rgb(250, 240, 245); }
.portal { --portal-radius: 0; padding: 0; }
h1 { font-family: serif; }
a:hover { text-decoration: underline; }
.portal .portal-slot { min-height: 60px; font-style: italic; }
.portal .portal-button { text-transform: uppercase; }
"""
"""What docs/theming.md says that a host may write, before the portal's own stylesheet."""
LOOK = "([selector, name]) => getComputedStyle(document.querySelector(selector)).getPropertyValue(name)"
# Of a time to choose, whose own button is not to be seen, the label around it shows the focus.
RING = """
() => {
  const focused = document.activeElement;
  const shows = focused.closest(".portal-slot, .portal-choice") ?? focused;
  const style = getComputedStyle(shows);
  return [shows.localName, `${style.outlineStyle} ${style.outlineWidth}`];
}
"""

Computed = list[tuple[str, list[str]]]


@pytest.fixture
def framed(visit: Visit, pytestconfig: pytest.Config) -> Framed:
    """Opens a visit to a page that stands on a framework's stylesheet, on nothing, or on that and `own` rules."""

    def framed(framework: str = "", own: str = "", **options: Any) -> Visitor:
        assert pytestconfig.cache is not None
        css = stylesheet(framework, pytestconfig.cache.mkdir("frameworks")) if framework else ""
        visitor = visit(**options)
        visitor.page.route("**/host.css", lambda route: route.fulfill(body=css + own, content_type="text/css"))
        return visitor

    return framed


def computed(page: Page, selector: str, *left_out: str) -> Computed:
    found: Computed = page.evaluate(COMPUTED, [selector, "|".join(["^--", *left_out])])
    return found


def differences(one: Computed, other: Computed) -> list[str]:
    assert [name for name, _ in one] == [name for name, _ in other]
    return [
        f"{name} {before} became {after.partition(': ')[2]}"
        for (name, styles), (_, others) in zip(one, other, strict=True)
        for before, after in zip(styles, others, strict=True)
        if before != after
    ]


@pytest.mark.parametrize("framework", ["", *FRAMEWORKS])
def test_what_is_around_the_portal_looks_as_it_does_without_its_stylesheet(framed: Framed, framework: str) -> None:
    visitor = framed(framework)
    visitor.open(STEP_2)
    visitor.page.evaluate(FURNISH, OWN)
    around = "html, body, main, #host-header, #host-header *, #own, #own *"
    before = computed(visitor.page, around, SIZES)
    assert visitor.page.evaluate(SWITCH_OFF)
    found = differences(before, computed(visitor.page, around, SIZES))
    assert not found, "\n".join(found[:SHOWN])


@pytest.mark.parametrize(
    ("framework", "chosen"),
    [
        pytest.param("Bootstrap", ("step 2 with mistakes", "list"), id="Bootstrap, two panels"),
        *(pytest.param(name, PANELS, marks=pytest.mark.long, id=name) for name in FRAMEWORKS),
    ],
)
def test_every_panel_looks_inside_a_framework_as_it_does_on_a_bare_page(
    framed: Framed, site: Site, framework: str, chosen: tuple[str, ...]
) -> None:
    found = []
    for who, panels in (("maya", furnished), (None, furnished_for_visitors)):
        both = [framed(name, SAME_LETTERS, who=who, reduced_motion="reduce") for name in ("", framework)]
        for name, show in panels(site).items():
            if name in chosen:
                looks = []
                for visitor in both:
                    show(visitor)
                    visitor.quiet()
                    visitor.page.mouse.move(0, 0)
                    # Whether a ring shows is the browser's guess from what was touched before; below it is looked at.
                    visitor.page.evaluate("document.activeElement.blur()")
                    # Hundreds of time zones look the same, and are more than the browser's connection bears.
                    looks.append(computed(visitor.page, ".portal, .portal :not(option)", PLACES, LETTERS))
                found += [f"{name}, {difference}" for difference in differences(*looks)]
    found = [difference for difference in found if not re.search(HARMLESS, difference)]
    assert not found, "\n".join(found[:SHOWN])


@pytest.mark.parametrize("framework", ["", *FRAMEWORKS])
def test_what_the_theming_page_tells_a_host_to_write_wins(framed: Framed, framework: str) -> None:
    visitor = framed(framework, own=OVERRIDES)
    visitor.open(STEP_2)

    def look(selector: str, name: str) -> str:
        told: str = visitor.page.evaluate(LOOK, [selector, name])
        return told

    button, slot = ".portal-button", ".portal-slot"
    assert look(button, "background-color") == "rgb(122, 46, 77)"
    assert look(".portal-days a:not([aria-current])", "background-color") == "rgb(250, 240, 245)"
    assert look(slot, "border-top-left-radius") == "0px"
    assert look(".portal", "padding-top") == "0px"
    assert look(".portal-title", "font-family") == "serif"
    assert look(slot, "font-style") == "italic"
    assert look(slot, "min-height") == "60px"
    visitor.page.locator(button).hover()
    assert look(button, "text-transform") == "uppercase"
    assert look(button, "text-decoration-line") == "none"


@pytest.mark.parametrize("framework", ["", *FRAMEWORKS])
def test_the_focus_is_seen_in_every_framework(framed: Framed, framework: str) -> None:
    visitor = framed(framework)
    visitor.open(STEP_2)
    visitor.page.locator("#host-header a").focus()
    visitor.page.keyboard.press("Tab")
    seen = set()
    while (told := visitor.page.evaluate(RING))[0] != "body":
        kind, ring = told
        seen.add(kind)
        assert ring in {"solid 2px", "solid 3px"}, kind
        visitor.page.keyboard.press("Tab")
    assert {"a", "label", "input", "textarea"} <= seen


@pytest.mark.parametrize("framework", ["", *FRAMEWORKS])
def test_right_to_left_the_month_turns_the_other_way_and_nothing_sticks_out(framed: Framed, framework: str) -> None:
    visitor = framed(framework, locale="ar")
    visitor.open(STEP_2)
    tabs: list[Any] = [tab.bounding_box() for tab in visitor.page.locator(".portal-tabs a").all()]
    month, following = list[Any](
        visitor.page.locator(part).bounding_box() for part in (".portal-month", "#portal-next")
    )
    assert tabs[0]["x"] > tabs[1]["x"]
    assert following["x"] < month["x"] + month["width"] / 2
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
